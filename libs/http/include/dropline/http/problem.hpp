#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/http/request.hpp"
#include "dropline/http/response.hpp"

namespace dropline::http {

/// Appends `text` as a JSON string with its quotes. Control characters are escaped and bytes that
/// are no UTF-8 become U+FFFD, so that the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

/// `type` of a problem is this followed by its code.
inline constexpr std::string_view kProblemType = "urn:dropline:problem:";

/// An RFC 9457 problem. `code` is stable and for machines; title and detail are for people, in the
/// language the caller chose.
class Problem final {
 public:
  Problem(int status, std::string code, std::string title)
      : status_(status), code_(std::move(code)), title_(std::move(title)) {}

  Problem& detail(std::string text) { return detail_ = std::move(text), *this; }
  /// A URI reference of what it happened to.
  Problem& instance(std::string uri) { return instance_ = std::move(uri), *this; }
  Problem& with(std::string_view name, std::string_view text);
  Problem& with(std::string_view name, const char* text) {
    return with(name, std::string_view(text));
  }
  Problem& with(std::string_view name, std::int64_t number);
  Problem& with(std::string_view name, int number) {
    return with(name, static_cast<std::int64_t>(number));
  }
  Problem& with(std::string_view name, bool flag);
  /// `json` is trusted to be one JSON value.
  Problem& with_json(std::string_view name, std::string_view json);
  Problem& header(std::string name, std::string value);
  /// Retry-After in whole seconds, rounded up, at least 1.
  Problem& retry_after(std::chrono::milliseconds delay);

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  [[nodiscard]] std::string json() const;
  /// application/problem+json, `Cache-Control: no-store`.
  [[nodiscard]] Response response() const;

 private:
  int status_;
  std::string code_;
  std::string title_;
  std::string detail_;
  std::string instance_;
  std::string extra_;  ///< `,"name":value` …
  std::vector<std::pair<std::string, std::string>> headers_;
};

/// Standing of a caller against a rate limit; becomes RateLimit-Policy and RateLimit headers.
struct RateLimitState {
  std::string_view policy = "default";
  std::int64_t limit = 0;
  std::int64_t remaining = 0;
  std::chrono::seconds window{0};
  std::chrono::seconds reset{0};
};
void add_rate_limit(Response& response, const RateLimitState& state);

// The usual ones, with texts in both languages. `detail` is the caller's and may be empty.
[[nodiscard]] Problem bad_request(Language language, std::string detail = {});
/// With WWW-Authenticate: Bearer; `error` is "invalid_token", "invalid_request" or empty.
[[nodiscard]] Problem unauthorized(Language language, std::string_view error = {},
                                   std::string detail = {});
[[nodiscard]] Problem forbidden(Language language, std::string detail = {});
[[nodiscard]] Problem not_found(Language language, std::string detail = {});
/// `allow` is the Allow header: "GET, HEAD, OPTIONS".
[[nodiscard]] Problem method_not_allowed(Language language, std::string allow);
[[nodiscard]] Problem conflict(Language language, std::string detail = {});
[[nodiscard]] Problem content_too_large(Language language, std::size_t limit_bytes);
[[nodiscard]] Problem unsupported_media_type(Language language, std::string_view accepted);
[[nodiscard]] Problem unprocessable(Language language, std::string detail = {});
[[nodiscard]] Problem too_many_requests(Language language, std::chrono::milliseconds retry_after);
[[nodiscard]] Problem header_too_large(Language language);
[[nodiscard]] Problem internal_error(Language language);
[[nodiscard]] Problem unavailable(Language language, std::chrono::milliseconds retry_after,
                                  std::string detail = {});
/// 504 with code `outcome_unknown`: it may or may not have happened; asking again is safe.
[[nodiscard]] Problem outcome_unknown(Language language, std::string detail = {});
[[nodiscard]] Problem gateway_timeout(Language language, std::string detail = {});

/// `{"code":…}` of any status the server itself answers with, English and Korean.
[[nodiscard]] Problem standard_problem(int status, Language language);

}  // namespace dropline::http
