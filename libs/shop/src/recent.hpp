#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "dropline/base/ids.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::shop {

/// The orders that this ingress has brought into the log lately: what can be said of them before
/// any service has. The oldest are forgotten beyond kMaxOrders. Any thread.
class Recent final {
 public:
  static constexpr std::size_t kMaxOrders = 100'000;

  struct Order {
    MemberId member;
    crypto::Digest body_hash{};
  };

  /// The first body that came this way stays; in the log another may stand before it.
  void remember(const OrderId& id, const Order& order) {
    const std::lock_guard guard(lock_);
    if (!orders_.emplace(id, order).second) return;
    line_.push_back(id);
    if (line_.size() <= kMaxOrders) return;
    orders_.erase(line_.front());
    line_.pop_front();
  }

  [[nodiscard]] std::optional<Order> find(const OrderId& id) const {
    const std::lock_guard guard(lock_);
    const auto found = orders_.find(id);
    if (found == orders_.end()) return std::nullopt;
    return found->second;
  }

 private:
  mutable std::mutex lock_;
  std::unordered_map<OrderId, Order> orders_;
  std::deque<OrderId> line_;
};

}  // namespace dropline::shop
