#pragma once

#include <vector>

#include "dropline/worker/calls.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::feeds {

/// Tells another platform of paid, cancelled and refunded orders of `orders.events`: each event
/// after the one before it of the same member was taken, and under an id that follows from the
/// order's step. What cannot be told now waits in {backlog}; nobody waits for it.
class FeedsWorker final : public worker::Service {
 public:
  /// Without a caller nothing is told, and nothing is written. All outlive the worker.
  FeedsWorker(worker::Caller* caller, const Clock& clock, worker::CallTerms terms = {});

  void report_to(telemetry::Metrics& metrics) { desk_.report_to(metrics); }

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  [[nodiscard]] bool wants_tick(worker::Shard shard) const override;
  void committed() override { desk_.committed(); }
  void rolled_back() override { desk_.rolled_back(); }

 private:
  worker::ServiceSpec spec_;
  bool off_;
  worker::CallDesk desk_;
};

}  // namespace dropline::feeds
