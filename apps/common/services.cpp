#include "common/services.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/catalog/catalog_worker.hpp"
#include "dropline/ordering/ordering_worker.hpp"
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

ordering::Terms ordering_terms(const config::Settings& settings) {
  ordering::Terms terms;
  terms.card = settings.duration<std::chrono::seconds>("ordering.card_deadline");
  terms.bank = settings.duration<std::chrono::seconds>("ordering.bank_deadline");
  return terms;
}

}  // namespace

const std::vector<std::string>& roles() {
  static const std::vector<std::string> roles{"catalog", "stock", "payments", "ordering"};
  return roles;
}

std::unique_ptr<worker::Service> make_service(std::string_view role,
                                              const config::Settings& settings) {
  if (role == "stock") return std::make_unique<stock::StockWorker>();
  if (role == "payments")
    return std::make_unique<payments::PaymentsWorker>(payment_terms(settings));
  if (role == "ordering")
    return std::make_unique<ordering::OrderingWorker>(ordering_terms(settings));
  if (role == "catalog") return std::make_unique<catalog::CatalogWorker>();
  return nullptr;
}

}  // namespace dropline::apps
