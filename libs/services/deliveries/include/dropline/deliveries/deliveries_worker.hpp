#pragma once

#include "dropline/deliveries/deliveries.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::deliveries {

/// Reads `deliveries.commands` and, of `orders.events`, what was paid; both are keyed by member.
/// Answers on `deliveries.events`. Its anchor is `deliveries.commands`.
class DeliveriesWorker final : public worker::Service {
 public:
  DeliveriesWorker();

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;

 private:
  worker::ServiceSpec spec_;
};

}  // namespace dropline::deliveries
