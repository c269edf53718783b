#include "courier.hpp"

#include <algorithm>

#include "dropline/crypto/webhook.hpp"
#include "dropline/http/client.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::sandbox {
namespace {
const log::Logger kLog("courier");
/// How often the books are asked for what has fallen due.
constexpr std::chrono::milliseconds kLook{50};
}  // namespace

Courier::Courier(Parts parts) : parts_(std::move(parts)) {
  threads_.emplace_back([this] { fetch(); });
  for (std::size_t i = 0; i < parts_.threads; ++i)
    threads_.emplace_back([this] { carry(); });
}

Courier::~Courier() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  work_.notify_all();
  news_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void Courier::wake() {
  {
    const std::lock_guard guard(lock_);
    woken_ = true;
  }
  news_.notify_one();
}

void Courier::fetch() {
  std::unique_lock guard(lock_);
  while (!stopping_) {
    news_.wait_for(guard, kLook, [this] { return stopping_ || woken_; });
    woken_ = false;
    if (stopping_ || in_hand_.size() >= kMaxInHand) continue;
    guard.unlock();
    auto due = parts_.books.due_notices(kMaxInHand);
    guard.lock();
    if (!due) {
      kLog.warn("the books cannot be read", {{"error", due.error().text()}});
      continue;
    }
    for (auto& notice : *due) {
      if (in_hand_.size() >= kMaxInHand) break;
      if (in_hand_.insert(notice.id).second) queue_.push_back(std::move(notice));
    }
    work_.notify_all();
  }
}

void Courier::carry() {
  std::unique_lock guard(lock_);
  while (true) {
    work_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const auto notice = std::move(queue_.front());
    queue_.pop_front();
    guard.unlock();
    const auto noted = tell(notice) ? parts_.books.notice_done(notice.id)
                                    : parts_.books.notice_failed(notice, parts_.retry);
    if (!noted) kLog.warn("the books cannot be written", {{"error", noted.error().text()}});
    guard.lock();
    in_hand_.erase(notice.id);
  }
}

/// True when there is nothing more to tell: the shop took it, or never will.
bool Courier::tell(const Notice& notice) const {
  const auto seconds = std::to_string(unix_ms(parts_.clock.now()) / 1'000);
  const bool by_bank = notice.path.ends_with("bank-deposits");
  const auto signature = crypto::sign_webhook(by_bank ? parts_.bank_key : parts_.gateway_key,
                                              {notice.id, seconds, notice.body});
  http::Client client(parts_.target.host, parts_.target.port, {.timeout = kCallLimit});
  const auto answer = client.post(notice.path, notice.body,
                                  {{"Content-Type", "application/json"},
                                   {"webhook-id", notice.id},
                                   {"webhook-timestamp", seconds},
                                   {"webhook-signature", signature}});
  if (!answer) {
    kLog.warn("the shop cannot be told", {{"notice", notice.id}, {"error", answer.error().text()}});
    return false;
  }
  constexpr int kTooMany = 429;
  const bool taken = answer->status / 100 == 2;
  if (!taken)
    kLog.warn("the shop refused a notice", {{"notice", notice.id}, {"status", answer->status}});
  return taken || (answer->status / 100 == 4 && answer->status != kTooMany);
}

}  // namespace dropline::sandbox
