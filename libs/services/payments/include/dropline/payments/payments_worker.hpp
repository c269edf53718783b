#pragma once

#include "dropline/payments/payments.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::payments {

/// Reads `stock.events` (orders without a coupon are paid straight from there) and
/// `payments.commands`, both keyed by member, and answers on `payments.events`. Its anchor is
/// `payments.commands`.
///
/// Answers of a gateway about an order's card are dead letters (`no_gateway`): no call of ours can
/// have asked for them yet.
class PaymentsWorker final : public worker::Service {
 public:
  explicit PaymentsWorker(const Terms& terms = {});

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;

 private:
  worker::ServiceSpec spec_;
  Terms terms_;
};

}  // namespace dropline::payments
