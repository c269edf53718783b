#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dropline::http {

/// What a handler answers. A value; it is sent as it is, plus what the server owes: Content-Length,
/// Date, Connection. A header name or value that would break the framing (line breaks, NUL) turns
/// the answer into a 500: text from outside can never smuggle a header.
struct Response {
  int status = 200;
  std::string content_type;  ///< empty: no Content-Type header
  std::string body;          ///< not sent for HEAD, 204 and 304; HEAD still tells its length
  std::vector<std::pair<std::string, std::string>> headers;
  /// Ask for the connection to be closed after this answer.
  bool close = false;

  Response& header(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  [[nodiscard]] bool has_header(std::string_view name) const noexcept;
};

[[nodiscard]] Response json_response(int status, std::string body);
[[nodiscard]] Response text_response(int status, std::string body);
[[nodiscard]] Response empty_response(int status = 204);

/// "Not Found"; "Unknown" for a status without a registered phrase.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace dropline::http
