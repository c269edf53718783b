#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "dropline/http/request.hpp"

namespace dropline::http {

/// Why the server itself refused a request or connection; labels of a metric.
enum class Refusal : std::uint8_t {
  malformed,             ///< 400: what the guards turn down
  version,               ///< 505
  method,                ///< 501
  target_too_long,       ///< 414
  head_too_large,        ///< 431
  body_too_large,        ///< 413
  expectation,           ///< 417
  head_deadline,         ///< 408
  body_deadline,         ///< 408
  write_deadline,        ///< closed: the peer reads too slowly
  too_many_connections,  ///< 503
  too_many_in_flight,    ///< 503
  too_many_streams,      ///< 503
  draining,              ///< 503
  answer_deadline,       ///< 504: the handler did not answer
  stream_backlog,        ///< an event stream closed: the peer reads slower than events come
};
inline constexpr std::size_t kRefusalCount = 16;
[[nodiscard]] std::string_view to_text(Refusal refusal) noexcept;

/// One answered request.
struct Observation {
  std::string_view listener;  ///< ListenerOptions::name
  std::string_view route;     ///< the route's name; "none" where no route matched
  const Request* request;     ///< nullptr where the request could not be read; else valid meanwhile
  int status;                 ///< 499: the peer left before the answer
  std::chrono::nanoseconds duration;  ///< from the first byte of the head to the answer's hand-over
  std::size_t request_bytes;
  std::size_t response_bytes;
};

/// Told of what the server does; implemented by telemetry. Called on io threads, concurrently:
/// implementations are thread-safe, quick and do not block.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void on_request(const Observation& observation) = 0;
  virtual void on_refusal(std::string_view listener, Refusal refusal) = 0;
  /// +1 opened, -1 closed.
  virtual void on_connection(std::string_view listener, int change) = 0;
  virtual void on_stream(std::string_view listener, int change) = 0;
};

}  // namespace dropline::http
