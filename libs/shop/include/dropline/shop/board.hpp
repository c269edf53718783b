#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::shop {

/// What one event says of an order.
struct OrderNews {
  OrderId order;
  contracts::OrderState state = contracts::OrderState::received;
  std::optional<std::string> reason;
  std::optional<Money> total;
  std::optional<Timestamp> due_at;
  std::optional<contracts::LogPlace> place;
  /// Of the command that is answered; absent where the news is about the order whatever was asked:
  /// it counts for those whose command was granted.
  std::optional<crypto::Digest> body_hash;
  bool conflict = false;  ///< another command stands under this id
};

/// Requests that wait for an order to be decided (`Prefer: wait`): first stock's word, which names
/// the command by its hash, then what became of the money, in whichever order the two topics are
/// read. Bounded; any thread. Callbacks run on the thread that brings the news, or on the board's
/// own when time is up: they must not block.
class Board final {
 public:
  static constexpr std::size_t kMaxWaiters = 100'000;
  /// The decision; or, when time is up, what is known until then, where anything is.
  using Callback = std::function<void(const OrderNews* news, bool decided)>;

  explicit Board(const Clock& clock);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// One waiter's own: retries of an order wait side by side.
  enum class Ticket : std::uint64_t {};

  /// Waits for news of `order` that answer a command with this hash, until `until`. Absent when too
  /// many wait already.
  [[nodiscard]] std::optional<Ticket> wait(const OrderId& order, const crypto::Digest& hash,
                                           Clock::Steady until, Callback callback);
  /// Forgets that waiter without calling it, unless it has been called: its command was not sent.
  void cancel(const OrderId& order, Ticket ticket);

  /// Anybody waiting? To be asked before a record is parsed.
  [[nodiscard]] bool awaited(const OrderId& order) const;
  /// Hands on news; those that decide nothing for a waiter are kept for it, and it waits on.
  void tell(const OrderNews& news);

  [[nodiscard]] std::size_t waiters() const;

 private:
  using Deadlines = std::multimap<Clock::Steady, OrderId>;
  struct Waiter {
    Ticket ticket;
    crypto::Digest hash;
    Deadlines::iterator deadline;
    Callback callback;
    std::optional<OrderNews> granted;  ///< stock's word on this command
    std::optional<OrderNews> early;    ///< a decision that came before it
  };
  using Waiters = std::unordered_multimap<OrderId, Waiter>;
  Waiters::iterator forget(Waiters::iterator waiter);
  static std::optional<OrderNews> learn(Waiter& waiter, const OrderNews& news);
  void watch();

  const Clock& clock_;
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::uint64_t last_ticket_ = 0;
  Waiters waiters_;
  Deadlines deadlines_;  ///< one a waiter
  bool stopping_ = false;
  std::thread watcher_;
};

/// Does this state answer a request that waits for the decision? `reserved` does not: money is
/// next.
[[nodiscard]] bool decided(contracts::OrderState state);

}  // namespace dropline::shop
