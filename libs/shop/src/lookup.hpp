#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "dropline/base/ids.hpp"
#include "dropline/shop/reads.hpp"

namespace dropline::shop {

/// Asks stock's rows whether an order is known, many orders with one statement: while one batch is
/// read, the next one gathers. Any thread. `reads` must outlive it.
class Lookup final {
 public:
  static constexpr std::size_t kMaxBatch = 1'000;
  /// Called once, on a reading thread. Absent: it could not be found out.
  using Told = std::function<void(std::optional<bool> known)>;

  explicit Lookup(Reads& reads) : reads_(reads) {}

  /// False when too much is asked already: nothing will be called.
  bool ask(const OrderId& order, Told told);

 private:
  struct Question {
    OrderId order;
    Told told;
  };
  void read(Result<store::Session*> session);
  [[nodiscard]] std::vector<Question> next();

  static constexpr std::size_t kMaxWaiting = 50'000;
  Reads& reads_;
  std::mutex lock_;
  std::vector<Question> waiting_;
  bool reading_ = false;
};

}  // namespace dropline::shop
