#pragma once

#include "dropline/payments/payments.hpp"
#include "dropline/worker/calls.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::payments {

/// Reads `stock.events` (orders without a coupon are paid straight from there) and
/// `payments.commands`, both keyed by member, and answers on `payments.events`. Its anchor is
/// `payments.commands`.
///
/// With a caller it asks gateway and bank, by calls whose request is an Errand and whose answer is
/// a GatewayReply, and never believes a notice. Without one it believes signed notices, and answers
/// of a gateway about an order's card are dead letters (`no_gateway`): no call of ours can have
/// asked for them.
class PaymentsWorker final : public worker::Service {
 public:
  explicit PaymentsWorker(const Terms& terms = {});
  /// `caller` and `clock` outlive it.
  PaymentsWorker(const Terms& terms, worker::Caller& caller, const Clock& clock,
                 worker::CallTerms calls = {});

  void report_to(telemetry::Metrics& metrics) { desk_.report_to(metrics); }

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  [[nodiscard]] bool wants_tick(worker::Shard shard) const override;
  void committed() override;
  void rolled_back() override;

 private:
  PaymentsWorker(const Terms& terms, worker::Caller* caller, const Clock& clock,
                 worker::CallTerms calls);
  Status order_calls(const Book& book, worker::Unit& unit);

  worker::ServiceSpec spec_;
  Terms terms_;
  worker::CallDesk desk_;
};

}  // namespace dropline::payments
