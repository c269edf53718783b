#include "services.hpp"

#include "dropline/coupons/coupons_worker.hpp"
#include "dropline/deliveries/deliveries_worker.hpp"
#include "dropline/ordering/ordering_worker.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/points/points_worker.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "terms.hpp"

namespace dropline::simulation {

const std::vector<Simulated>& services() {
  static const std::vector<Simulated> all = [] {
    std::vector<Simulated> made{
        {"stock", [] { return std::make_unique<stock::StockWorker>(); }},
        {"coupons", [] { return std::make_unique<coupons::CouponsWorker>(); }},
        {"payments", [] { return std::make_unique<payments::PaymentsWorker>(charge_terms()); }},
        {"ordering", [] { return std::make_unique<ordering::OrderingWorker>(order_terms()); }},
        {"deliveries", [] { return std::make_unique<deliveries::DeliveriesWorker>(); }},
        {"points", [] { return std::make_unique<points::PointsWorker>(point_terms()); }},
    };
    for (auto& service : made)
      service.spec = service.make()->spec();
    return made;
  }();
  return all;
}

}  // namespace dropline::simulation
