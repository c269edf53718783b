#include "dropline/shop/reads.hpp"

#include <optional>

namespace dropline::shop {

Reads::Reads(store::Database database, store::SessionOptions options, std::size_t threads)
    : database_(std::move(database)), options_(std::move(options)) {
  options_.read_only = true;
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this] { run(); });
}

Reads::~Reads() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

bool Reads::submit(Job job) {
  {
    const std::lock_guard guard(lock_);
    if (stopping_ || queue_.size() >= kMaxQueue) return false;
    queue_.push_back(std::move(job));
  }
  work_.notify_one();
  return true;
}

std::string Reads::health() const {
  const std::lock_guard guard(lock_);
  return trouble_;
}

void Reads::run() {
  std::optional<store::Session> session;
  while (true) {
    Job job;
    {
      std::unique_lock guard(lock_);
      work_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    if (session && session->broken()) session.reset();
    std::optional<Error> failed;
    if (!session) {
      auto opened = database_.open(options_);
      if (opened) {
        session.emplace(std::move(*opened));
      } else {
        failed = opened.error();
      }
    }
    {
      const std::lock_guard guard(lock_);
      trouble_ = failed ? failed->text() : std::string();
    }
    if (failed) {
      job(*failed);
    } else {
      job(&*session);
    }
  }
}

}  // namespace dropline::shop
