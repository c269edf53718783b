#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "dropline/http/exchange.hpp"
#include "io_thread.hpp"

namespace dropline::http {

/// What the handle (any thread) and the connection (its io thread) of an event stream share.
class StreamState final : public std::enable_shared_from_this<StreamState> {
 public:
  StreamState(std::shared_ptr<Connection> connection, std::shared_ptr<Shared> shared,
              std::size_t max_backlog)
      : connection_(std::move(connection)), shared_(std::move(shared)), max_backlog_(max_backlog) {}
  ~StreamState() { release(); }

  // From any thread.
  bool append(std::string_view bytes);
  void close();
  [[nodiscard]] bool closed() const noexcept { return ended_.load() || closing_.load(); }
  void on_closed(std::function<void()> callback);

  // On the io thread.
  struct Work {
    std::string bytes;
    bool closing = false;
    bool overflowed = false;
  };
  [[nodiscard]] Work take();
  /// Bytes that the connection still has to write.
  void unsent(std::size_t bytes) noexcept { unsent_ = bytes; }
  /// The connection is done with it.
  void end();

 private:
  void schedule();
  /// Gives the place among the open streams back, once.
  void release() noexcept;

  std::mutex mutex_;
  std::shared_ptr<Connection> connection_;  ///< until ended
  std::shared_ptr<Shared> shared_;
  const std::size_t max_backlog_;
  std::string pending_;
  bool scheduled_ = false;
  bool overflowed_ = false;
  bool released_ = false;
  std::function<void()> on_closed_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> ended_{false};
  std::atomic<std::size_t> unsent_{0};
};

/// What a handler holds; closes the stream when it goes.
class StreamHandle final : public EventStream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~StreamHandle() override { state_->close(); }

  bool send(const ServerEvent& event) override;
  bool send_encoded(std::string_view bytes) override { return state_->append(bytes); }
  bool comment(std::string_view text) override;
  void close() override { state_->close(); }
  [[nodiscard]] bool closed() const noexcept override { return state_->closed(); }
  void on_closed(std::function<void()> callback) override {
    state_->on_closed(std::move(callback));
  }

 private:
  std::shared_ptr<StreamState> state_;
};

}  // namespace dropline::http
