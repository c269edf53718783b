#pragma once

#include "dropline/points/points.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::points {

/// Reads what was paid, cancelled and refunded on `orders.events`, keyed by member, and tells on
/// `points.events` what that gave and took.
class PointsWorker final : public worker::Service {
 public:
  explicit PointsWorker(const Terms& terms = {});

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;

 private:
  worker::ServiceSpec spec_;
  Terms terms_;
};

}  // namespace dropline::points
