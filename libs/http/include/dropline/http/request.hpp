#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/http/traceparent.hpp"

namespace dropline::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options };
inline constexpr std::size_t kMethodCount = 7;

[[nodiscard]] std::string_view to_text(Method method) noexcept;
/// Case-sensitive, as HTTP is; nullopt for methods that this server does not implement.
[[nodiscard]] std::optional<Method> parse_method(std::string_view text) noexcept;

/// Languages that texts exist in.
enum class Language : std::uint8_t { en, ko };

/// The better of the two by an Accept-Language header's ranges and weights; English where neither
/// is asked for, where both weigh the same and where the header cannot be understood.
[[nodiscard]] Language preferred_language(std::string_view accept_language) noexcept;

/// A request that passed every guard: its bytes were well formed, its sizes within bounds, its
/// path and query decode to valid UTF-8 without control characters. Immutable once a handler sees
/// it; views point into it and live as long as it does.
class Request final {
 public:
  struct Header {
    std::string name;  ///< as sent
    std::string value;
  };
  /// The parts, for the server's parser and for tests of handlers.
  struct Parts {
    Method method = Method::get;
    int minor_version = 1;                                   ///< of HTTP/1
    std::string target;                                      ///< as sent
    std::string path;                                        ///< decoded: "/v1/orders"
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
    /// The raw head and where names and values lie in it.
    std::string head;
    struct Span {
      std::uint32_t name_at, name_size, value_at, value_size;
    };
    std::vector<Span> headers;
    std::string body;
    std::string client_address;
    std::vector<std::pair<std::string_view, std::string>> path_parameters;
    Timestamp received_at{};
    TraceContext trace;
    std::string_view route;  ///< name of the matched route; static for the server's life
  };

  explicit Request(Parts parts) : parts_(std::move(parts)) {}
  /// The same with another trace: the server's own span once the caller's was read.
  Request(Request&& request, const TraceContext& trace) : parts_(std::move(request.parts_)) {
    parts_.trace = trace;
  }

  [[nodiscard]] Method method() const noexcept { return parts_.method; }
  /// 10 or 11.
  [[nodiscard]] int http_version() const noexcept { return 10 + parts_.minor_version; }
  [[nodiscard]] const std::string& target() const noexcept { return parts_.target; }
  [[nodiscard]] const std::string& path() const noexcept { return parts_.path; }
  [[nodiscard]] const std::string& body() const noexcept { return parts_.body; }

  /// The address at the other end of the connection, without port: "127.0.0.1", "::1".
  [[nodiscard]] const std::string& client_address() const noexcept { return parts_.client_address; }
  /// When the head was whole, by the wall clock.
  [[nodiscard]] Timestamp received_at() const noexcept { return parts_.received_at; }

  /// From `traceparent` where it was valid, else new. Its span is this server's.
  [[nodiscard]] const TraceContext& trace() const noexcept { return parts_.trace; }
  [[nodiscard]] std::string_view route() const noexcept { return parts_.route; }

  /// What a `{name}` of the route's pattern matched, decoded; empty for a name it does not have.
  [[nodiscard]] std::string_view path_parameter(std::string_view name) const noexcept;

  /// The first value; nullopt where the parameter is absent. `+` and `%20` are a space.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& query_parameters()
      const noexcept {
    return parts_.query;
  }

  /// The first value, without white space around it; any case of the name.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
  /// True when the header is there more than once.
  [[nodiscard]] bool header_repeated(std::string_view name) const noexcept;
  void each_header(
      const std::function<void(std::string_view name, std::string_view value)>& visit) const;

  /// A preference of the `Prefer` headers (RFC 7240): "wait" of `Prefer: respond-async, wait=5`
  /// is "5"; one without a value is "". The first of a name counts.
  [[nodiscard]] std::optional<std::string_view> preference(std::string_view name) const noexcept;

  /// The credentials of `Authorization: Bearer …`; nullopt without the header, with another
  /// scheme, or when the header is repeated.
  [[nodiscard]] std::optional<std::string_view> bearer_token() const noexcept;

  [[nodiscard]] Language language() const noexcept {
    return preferred_language(header("accept-language").value_or(""));
  }
  /// True when the media type is exactly `type` ("application/json"), parameters aside.
  [[nodiscard]] bool content_type_is(std::string_view type) const noexcept;

 private:
  Parts parts_;
};

/// Makes requests without a socket: for tests of handlers.
/// `target` is split and decoded as the server does; ends the process when it is not valid.
[[nodiscard]] Request make_request(Method method, std::string_view target,
                                   const std::vector<Request::Header>& headers = {},
                                   std::string body = {});

}  // namespace dropline::http
