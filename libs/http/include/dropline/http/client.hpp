#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/http/errors.hpp"

namespace dropline::http {

struct ClientResponse {
  int status = 0;
  int minor_version = 1;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The first value, any case; nullopt where absent.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
};

/// One event read from a stream.
struct ClientEvent {
  std::string id;
  std::string event;
  std::string data;
};

struct ClientOptions {
  std::chrono::milliseconds timeout{10'000};  ///< for a whole call, absolute
  std::size_t max_response_bytes = 64 * 1'024 * 1'024;
};

/// A blocking HTTP/1.1 client for tests, the demo and tools: one connection, kept alive, opened
/// anew where the server closed it between requests. One thread at a time.
class Client final {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Client(std::string address, std::uint16_t port, ClientOptions options = {});
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  /// Sends and reads the whole answer. Host and, with a body, Content-Length are added unless
  /// given. A request is sent a second time only if the kept connection turned out to be closed
  /// before a byte of the answer came and the method is GET, HEAD, PUT, DELETE or OPTIONS; any
  /// other such request returns `closed`.
  [[nodiscard]] Result<ClientResponse> request(std::string_view method, std::string_view target,
                                               const Headers& headers = {},
                                               std::string_view body = {});
  [[nodiscard]] Result<ClientResponse> get(std::string_view target, const Headers& headers = {}) {
    return request("GET", target, headers);
  }
  [[nodiscard]] Result<ClientResponse> post(std::string_view target, std::string_view body,
                                            const Headers& headers = {});

  // Raw access: bytes as they are.
  [[nodiscard]] Status connect();
  [[nodiscard]] Status send(std::string_view bytes);
  /// `head_only` for answers to HEAD. Skips 100 Continue unless `interim`.
  [[nodiscard]] Result<ClientResponse> read_response(bool head_only = false, bool interim = false);
  /// Everything until the peer closes.
  [[nodiscard]] Result<std::string> read_to_end();
  /// True once the peer has closed and nothing is left to read.
  [[nodiscard]] bool closed_by_peer(std::chrono::milliseconds wait);
  /// Half-close: no more requests.
  void finish_sending();
  void close();
  /// Close with RST, as a crashed peer's machine does.
  void abort();
  [[nodiscard]] bool connected() const noexcept { return socket_ >= 0; }
  [[nodiscard]] int native_handle() const noexcept { return socket_; }

  // Server-sent events.
  /// GET with Accept: text/event-stream; returns after the head. A status other than 200 has a
  /// body.
  [[nodiscard]] Result<ClientResponse> open_stream(std::string_view target,
                                                   const Headers& headers = {});
  /// The next event; comments are counted and skipped. `closed` when the stream ends.
  [[nodiscard]] Result<ClientEvent> next_event();
  [[nodiscard]] std::size_t comments() const noexcept { return comments_; }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] Status send_until(std::string_view bytes, Deadline until);
  /// Reads what is there; 0 at the end.
  [[nodiscard]] Result<std::size_t> fill(Deadline until);
  [[nodiscard]] Result<std::string> take_line(Deadline until);
  [[nodiscard]] Result<std::string> take(std::size_t size, Deadline until);
  [[nodiscard]] Status read_body(ClientResponse& response, Deadline until);
  [[nodiscard]] Status read_chunks(std::string& out, Deadline until);
  [[nodiscard]] Result<ClientResponse> read_head(Deadline until);

  std::string address_;
  std::uint16_t port_;
  ClientOptions options_;
  int socket_ = -1;
  std::string input_;
  std::string stream_text_;
  bool stream_chunked_ = false;
  std::size_t comments_ = 0;
};

}  // namespace dropline::http
