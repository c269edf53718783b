#pragma once

#include <vector>

#include "dropline/notices/attempts.hpp"
#include "dropline/notices/notices.hpp"
#include "dropline/worker/calls.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::notices {

/// Tells shoppers what became of their orders and coupons: writes a call for each fact of
/// `orders.events` and `coupons.events` that is worth one, and makes it after the commit. Its
/// anchor is `orders.events`.
class NoticesWorker final : public worker::Service {
 public:
  /// Without a caller nobody is told anything, and nothing is written. `recorded`, where there is
  /// one, knows what came of the caller's attempts. All outlive the worker.
  NoticesWorker(worker::Caller* caller, RecordedTarget* recorded, const Clock& clock,
                worker::CallTerms terms = {});

  void report_to(telemetry::Metrics& metrics) { desk_.report_to(metrics); }

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  [[nodiscard]] bool wants_tick(worker::Shard shard) const override;
  void committed() override;
  void rolled_back() override;

 private:
  Status record_attempts(store::Session& session);

  worker::ServiceSpec spec_;
  bool off_;
  RecordedTarget* recorded_;
  worker::CallDesk desk_;
  std::vector<Attempt> written_;  ///< in the open transaction
};

}  // namespace dropline::notices
