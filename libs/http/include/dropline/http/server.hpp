#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/base/random.hpp"
#include "dropline/http/observer.hpp"
#include "dropline/http/router.hpp"

namespace dropline::http {

/// Bounds and deadlines. Deadlines are absolute from the moment they begin: a byte now and then
/// extends none of them.
struct ServerOptions {
  unsigned io_threads = 2;

  std::size_t max_connections = 12'000;         ///< beyond: 503 and closed
  std::size_t max_in_flight = 20'000;           ///< requests waiting for handlers; beyond: 503
  std::size_t max_streams = 10'000;             ///< open event streams; beyond: 503
  std::size_t max_request_line_bytes = 8'192;   ///< 414
  std::size_t max_head_bytes = 16'384;          ///< request line and headers: 431
  std::size_t max_header_count = 100;           ///< 431
  std::size_t max_body_bytes = 65'536;          ///< 413; a route may have its own
  std::size_t max_pipelined = 32;               ///< answered before what was answered is written
  std::size_t max_output_bytes = 1'048'576;     ///< waiting for a peer before its requests wait
  std::size_t max_stream_backlog = 262'144;     ///< of an event stream before it is closed
  std::size_t max_requests_per_connection = 0;  ///< then closed; 0: no limit

  std::chrono::milliseconds head_deadline{10'000};    ///< from a request's first byte
  std::chrono::milliseconds body_deadline{30'000};    ///< from the head's end
  std::chrono::milliseconds idle_deadline{75'000};    ///< between requests
  std::chrono::milliseconds write_deadline{30'000};   ///< for an answer to be taken
  std::chrono::milliseconds answer_deadline{90'000};  ///< for a handler to answer
  std::chrono::milliseconds linger_deadline{2'000};   ///< reading on after a refusal
  std::chrono::milliseconds stream_ping{15'000};      ///< comment on a quiet event stream
  std::chrono::milliseconds retry_after{1'000};       ///< what a 503 of the server says

  const Clock* clock = nullptr;         ///< wall clock of `received_at`; nullptr: the machine's
  Random* random = nullptr;             ///< trace ids; nullptr: the kernel's. Called under a lock.
  RequestObserver* observer = nullptr;  ///< must outlive the server
};

/// One address to listen on, with its own routes.
struct ListenerOptions {
  std::string name = "public";        ///< for metrics
  std::string address = "127.0.0.1";  ///< an IP address; "::" and "0.0.0.0" are all
  std::uint16_t port = 0;             ///< 0: a free one
  Router router = {};
  /// Before the handler; may answer (then the handler is not called). Same rules as a handler.
  std::function<void(const ExchangePtr& exchange)> before = {};
  /// Before an answer is sent, on an io thread: adds headers. Also for problems that the server
  /// answers itself, if the request could be read.
  std::function<void(const Request& request, Response& response)> after = {};
};

/// What the server is doing now.
struct ServerStats {
  std::size_t connections = 0;
  std::size_t in_flight = 0;
  std::size_t streams = 0;
  std::uint64_t accepted = 0;
  std::uint64_t requests = 0;
  std::array<std::uint64_t, kRefusalCount> refusals{};
};

/// An HTTP/1.1 server. It owns `io_threads` threads, each with its own event loop; a connection
/// stays with one of them for life. Start, drain and destroy it from one thread; stats() from any.
class Server final {
 public:
  /// Listens when it returns. Errors name address, port and cure: address_in_use, bad_address,
  /// not_permitted, bad_options.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(
      ServerOptions options, std::vector<ListenerOptions> listeners);

  /// Stops at once, without waiting for answers; call drain() first to be polite.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port of a listener, in the order given.
  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
  [[nodiscard]] ServerStats stats() const;

  /// From now on answers carry `Connection: close`; connections are still taken, so that a load
  /// balancer sees /readyz fail before the door shuts. Optional step before drain().
  void announce_drain();

  /// Stops accepting, closes idle connections and event streams at once, lets requests in flight
  /// finish with `Connection: close`. Blocks until all are gone or `limit` has passed, then cuts
  /// what is left. True when nothing had to be cut. Later calls return at once.
  bool drain(std::chrono::milliseconds limit);

 private:
  class Core;
  explicit Server(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace dropline::http
