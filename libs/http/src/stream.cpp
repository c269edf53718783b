#include "stream.hpp"

#include "connection.hpp"

namespace dropline::http {

bool StreamState::append(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  if (closed()) return false;
  if (pending_.size() + unsent_.load() + bytes.size() > max_backlog_) {
    overflowed_ = true;
    closing_ = true;
    pending_.clear();
  } else {
    pending_ += bytes;
  }
  const bool taken = !overflowed_;
  schedule();
  return taken;
}

void StreamState::close() {
  const std::unique_lock lock(mutex_);
  if (closed()) return;
  closing_ = true;
  schedule();
}

void StreamState::schedule() {
  if (scheduled_ || !connection_) return;
  scheduled_ = true;
  connection_->wake(shared_from_this());
}

void StreamState::on_closed(std::function<void()> callback) {
  {
    const std::unique_lock lock(mutex_);
    if (!ended_) {
      on_closed_.swap(callback);
      return;  // the one replaced goes after the lock
    }
  }
  callback();
}

StreamState::Work StreamState::take() {
  const std::unique_lock lock(mutex_);
  scheduled_ = false;
  Work work;
  work.bytes.swap(pending_);
  work.closing = closing_;
  work.overflowed = overflowed_;
  unsent_ += work.bytes.size();
  return work;
}

void StreamState::end() {
  std::function<void()> callback;
  std::shared_ptr<Connection> connection;
  {
    const std::unique_lock lock(mutex_);
    if (ended_.exchange(true)) return;
    callback.swap(on_closed_);
    connection.swap(connection_);
    pending_.clear();
  }
  release();
  if (callback) callback();
}

void StreamState::release() noexcept {
  if (std::exchange(released_, true)) return;
  --shared_->streams;
}

bool StreamHandle::send(const ServerEvent& event) {
  std::string bytes;
  return append_event(bytes, event) && state_->append(bytes);
}

bool StreamHandle::comment(std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
  return state_->append(": " + std::string(text) + "\n\n");
}

}  // namespace dropline::http
