#pragma once

#include "dropline/coupons/coupons.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::coupons {

/// Reads `coupons.commands`, judges each record at its offset and answers on `coupons.events`.
class CouponsWorker final : public worker::Service {
 public:
  CouponsWorker();

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;

 private:
  worker::ServiceSpec spec_;
};

}  // namespace dropline::coupons
