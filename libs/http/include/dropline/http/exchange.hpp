#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dropline/http/request.hpp"
#include "dropline/http/response.hpp"

namespace dropline::http {

/// One server-sent event. Empty parts are left out; line breaks in `data` become several data
/// lines. `id` and `event` must not contain line breaks or NUL: such an event is not sent.
struct ServerEvent {
  std::string_view id;
  std::string_view event;
  std::string_view data;
};

/// Appends the event as it goes over the wire; false, and nothing appended, when it cannot.
[[nodiscard]] bool append_event(std::string& out, const ServerEvent& event);

/// A stream of server-sent events to one client. Every member may be called from any thread and
/// none blocks. The server pings on its own, so that a dead peer is noticed. It ends when the peer
/// goes, when close() is called, when the server drains, or when the peer reads slower than events
/// come: at most ServerOptions::max_stream_backlog bytes wait, then the stream is closed (the
/// client comes back with Last-Event-ID). Letting go of the last reference closes it too.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// False when the stream is closed, or was closed now for its backlog. Order of calls is order
  /// on the wire.
  virtual bool send(const ServerEvent& event) = 0;
  /// Events already encoded by append_event, for the same bytes to many streams.
  virtual bool send_encoded(std::string_view bytes) = 0;
  /// A comment line, invisible to the client's code.
  virtual bool comment(std::string_view text) = 0;
  /// What was sent before still goes out.
  virtual void close() = 0;
  [[nodiscard]] virtual bool closed() const noexcept = 0;
  /// Called once, on an io thread, when the stream has ended; at once when it already has. Must
  /// not block. One callback; a later one replaces it.
  virtual void on_closed(std::function<void()> callback) = 0;
};
using EventStreamPtr = std::shared_ptr<EventStream>;

/// The other side of an Exchange: a connection, or a test. Called at most once a member, from any
/// thread.
class ExchangeSink {
 public:
  virtual ~ExchangeSink() = default;
  /// False when nobody is left to read it.
  virtual bool deliver(std::uint64_t sequence, Response response) = 0;
  virtual void watch(std::uint64_t sequence, std::function<void()> on_closed) = 0;
  /// nullptr when no stream can be had; the request is then already answered.
  virtual EventStreamPtr upgrade(std::uint64_t sequence) = 0;
  [[nodiscard]] virtual bool gone(std::uint64_t sequence) const noexcept = 0;
};

/// A request waiting for its answer. The handler and whatever it starts share it; every member may
/// be called from any thread and none blocks.
///
/// Answer exactly once, whenever it is ready, also long after the handler has returned. Answering
/// twice ends the process (our own mistake); where two parties race for it on purpose, both use
/// try_respond. When the last reference goes without an answer the client gets a 500; when nothing
/// happens for ServerOptions::answer_deadline, a 504. An exchange may outlive its connection and
/// its server: answers then go nowhere.
class Exchange final {
 public:
  Exchange(std::shared_ptr<const Request> request, std::shared_ptr<ExchangeSink> sink,
           std::uint64_t sequence) noexcept
      : request_(std::move(request)), sink_(std::move(sink)), sequence_(sequence) {}
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] const Request& request() const noexcept { return *request_; }

  /// False when the peer is gone: the answer was discarded.
  bool respond(Response response);
  /// The first one answers; false when somebody already has, or when the peer is gone.
  bool try_respond(Response response);
  [[nodiscard]] bool answered() const noexcept { return answered_.load(); }

  /// Called at most once, on an io thread (or at once, here, when it has already happened), when
  /// the peer closes its side before the answer. Whether to go on is the handler's decision; the
  /// answer is still sent where the peer only closed its sending half. Must not block.
  void on_closed(std::function<void()> callback);
  [[nodiscard]] bool peer_gone() const noexcept;

  /// Instead of respond(): 200 text/event-stream. nullptr when too many streams are open (the
  /// client got a 503) or when the request was HEAD (it got the headers) or the peer is gone.
  [[nodiscard]] EventStreamPtr event_stream();
  /// Where the client wants to go on; empty at its first visit.
  [[nodiscard]] std::string_view last_event_id() const noexcept;

 private:
  std::shared_ptr<const Request> request_;
  std::shared_ptr<ExchangeSink> sink_;
  std::uint64_t sequence_;
  std::atomic<bool> answered_{false};
};
using ExchangePtr = std::shared_ptr<Exchange>;

/// Runs on an io thread, which serves many connections: it must never block (no database, no
/// waiting, no long computation). It starts work elsewhere and answers when that is done. An
/// exception becomes a 500.
using Handler = std::function<void(ExchangePtr exchange)>;

}  // namespace dropline::http
