#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "answer.hpp"
#include "dropline/http/exchange.hpp"
#include "dropline/http/problem.hpp"
#include "head.hpp"
#include "io_thread.hpp"
#include "message_reader.hpp"

namespace dropline::http {

class Listener;

/// One client's connection. Lives on one io thread; owns itself until it is closed, after which
/// exchanges may still hold it. Requests are handled one after another, in order; while one waits
/// for its answer the socket is read on, into a bounded buffer, so that a peer that leaves is
/// noticed. Reading is by readiness into the thread's scratch buffer: an idle connection holds
/// nothing but itself.
class Connection final : public ExchangeSink,
                         public std::enable_shared_from_this<Connection>,
                         public boost::intrusive::list_base_hook<
                             boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(std::shared_ptr<IoThread> thread, std::shared_ptr<const Listener> listener,
             Socket socket, std::string client_address);
  ~Connection() override;

  // On the io thread.
  void start();
  /// Says 503 and closes: there are too many.
  void start_refused();
  void on_deadline(DeadlineKind kind);
  void on_letter(Letter& letter);
  void drain();
  void cut() { close(); }

  // From any thread: ExchangeSink.
  bool deliver(std::uint64_t sequence, Response response) override;
  void watch(std::uint64_t sequence, std::function<void()> on_closed) override;
  EventStreamPtr upgrade(std::uint64_t sequence) override;
  [[nodiscard]] bool gone(std::uint64_t sequence) const noexcept override;

  /// A stream has something to write or to end.
  bool wake(std::shared_ptr<StreamState> stream);

 private:
  enum class Phase : std::uint8_t {
    head,       ///< between requests, or within a head
    body,       ///< the head is known, the body arrives
    handling,   ///< the handler has it
    streaming,  ///< an event stream
    flushing,   ///< the last answer is on its way
    lingering,  ///< our side is shut; reading on so that the answer is not lost to a reset
    closed,
  };
  /// Of one request, from its first byte to its answer.
  struct Current {
    SteadyTime began{};
    std::size_t request_bytes = 0;
    bool keep_alive = true;
    bool head_only = false;
    int minor_version = 1;
    const struct Route* route = nullptr;
    bool path_known = false;
    std::string_view allow;
    std::size_t max_body_bytes = 0;
  };

  // Input.
  void wait_readable();
  void on_readable();
  void on_input_end();
  void discard_input();
  void consume();
  [[nodiscard]] std::string_view buffered() const noexcept {
    return std::string_view(in_).substr(in_at_);
  }
  bool step_head();
  bool step_body();
  bool begin_request(std::string_view text);
  bool begin_body(std::string_view text, const Head& head);
  void compact();

  // Handling.
  bool dispatch();
  void run_handler(const ExchangePtr& exchange);
  [[nodiscard]] std::optional<Response> answer_without_handler();
  void complete(std::uint64_t sequence, Response response);
  void run_after(Response& response);
  void finish(Response response);
  void begin_stream(std::uint64_t sequence, std::shared_ptr<StreamState> stream);
  void write_stream();
  void leave_request() noexcept;
  void refuse(int status, Refusal refusal, std::string_view detail);
  void refuse(const Problem& problem, Refusal refusal);
  void observe(int status, std::size_t response_bytes) noexcept;
  void peer_left();

  // Output.
  [[nodiscard]] AnswerFrame frame(bool close);
  void flush();
  void on_output_done();
  void wait_writable();
  void close();
  [[nodiscard]] bool must_close() const noexcept;

  std::shared_ptr<IoThread> thread_;
  std::shared_ptr<const Listener> listener_;
  Shared& shared_;
  Socket socket_;
  std::string client_address_;
  std::shared_ptr<Connection> self_;  ///< until closed

  Phase phase_ = Phase::head;
  bool reading_ = false;  ///< a wait for input is under way
  bool writing_ = false;  ///< a wait for room is under way
  bool input_ended_ = false;
  bool consuming_ = false;
  bool in_request_ = false;  ///< a byte of the next request has come
  bool blank_line_skipped_ = false;
  std::size_t answered_ = 0;
  std::size_t burst_ = 0;  ///< answers since the output was last empty
  std::size_t linger_budget_ = 0;

  std::string in_;
  std::size_t in_at_ = 0;
  std::string out_;
  std::size_t out_at_ = 0;

  HeadScanner scanner_;
  std::optional<Request::Parts> parts_;
  std::optional<MessageReader> reader_;
  std::shared_ptr<const Request> request_;
  Current current_;
  std::shared_ptr<StreamState> stream_;

  Deadline phase_deadline_{*this};
  Deadline write_deadline_{*this};

  /// Set while the handler runs here: its answer needs no letter.
  bool inline_ = false;
  std::optional<Response> inline_answer_;
  std::shared_ptr<StreamState> inline_stream_;

  /// Shared with other threads.
  std::atomic<std::uint64_t> sequence_{0};
  std::atomic<bool> peer_gone_{false};
  mutable std::mutex watch_mutex_;
  std::function<void()> on_closed_;
};

}  // namespace dropline::http
