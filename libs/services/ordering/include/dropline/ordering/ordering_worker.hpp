#pragma once

#include "dropline/ordering/ordering.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::ordering {

/// Reads what stock and payments say of orders and what is asked of them, tells each step on
/// `orders.events`, asks payments to close, and settles and releases units: one record for each
/// drop and batch on `orders.commands`, of ordinary orders one for each member.
class OrderingWorker final : public worker::Service {
 public:
  /// How often deadlines are looked at.
  static constexpr std::chrono::milliseconds kSweep{500};
  /// Orders that fall due in one sweep at most; the rest are the next one's.
  static constexpr std::size_t kMaxSweep = 1'000;

  /// Durations must be more than nothing (ensured).
  explicit OrderingWorker(const Terms& terms = {});

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override;

 private:
  Terms terms_;
  worker::ServiceSpec spec_;
};

}  // namespace dropline::ordering
