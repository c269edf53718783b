#include "common/services.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/stock/stock_worker.hpp"

namespace dropline::apps {
namespace {

/// The schema of options has checked what is taken for granted here.
payments::Terms payment_terms(const config::Settings& settings) {
  const auto currency = Currency::parse(settings.text("payments.currency"));
  ensure(currency.has_value(), "payments.currency is three capital letters");
  return {{settings.integer("payments.charge_min"), *currency},
          {settings.integer("payments.charge_max"), *currency}};
}

}  // namespace

const std::vector<std::string>& roles() {
  static const std::vector<std::string> roles{"stock", "payments"};
  return roles;
}

std::unique_ptr<worker::Service> make_service(std::string_view role,
                                              const config::Settings& settings) {
  if (role == "stock") return std::make_unique<stock::StockWorker>();
  if (role == "payments")
    return std::make_unique<payments::PaymentsWorker>(payment_terms(settings));
  return nullptr;
}

}  // namespace dropline::apps
