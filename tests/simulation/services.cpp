#include "services.hpp"

#include "dropline/ordering/ordering_worker.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "terms.hpp"

namespace dropline::simulation {

const std::vector<Simulated>& services() {
  static const std::vector<Simulated> all{
      {"stock", [] { return std::make_unique<stock::StockWorker>(); }},
      {"payments", [] { return std::make_unique<payments::PaymentsWorker>(charge_terms()); }},
      {"ordering", [] { return std::make_unique<ordering::OrderingWorker>(order_terms()); }},
  };
  return all;
}

}  // namespace dropline::simulation
