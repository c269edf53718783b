#include "common/services.hpp"

#include "common/outlets.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/catalog/catalog_worker.hpp"
#include "dropline/coupons/coupons_worker.hpp"
#include "dropline/deliveries/deliveries_worker.hpp"
#include "dropline/ordering/ordering_worker.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/points/points_worker.hpp"
#include "dropline/rankings/rankings_worker.hpp"
#include "dropline/stock/stock_worker.hpp"

namespace dropline::apps {
namespace {

/// The schema of options has checked what is taken for granted here.
payments::Terms payment_terms(const config::Settings& settings) {
  const auto currency = Currency::parse(settings.text("payments.currency"));
  ensure(currency.has_value(), "payments.currency is three capital letters");
  payments::Terms terms;
  terms.minimum_charge = {settings.integer("payments.charge_min"), *currency};
  terms.maximum_charge = {settings.integer("payments.charge_max"), *currency};
  terms.ask_after = settings.duration<std::chrono::seconds>("gateway.ask_after");
  terms.deposit_to = contracts::BankAccount{
      settings.text("bank.name"), settings.text("bank.account"), settings.text("bank.holder")};
  return terms;
}

std::unique_ptr<worker::Service> make_payments(const config::Settings& settings, Process& process,
                                               Outside* outside) {
  static NoGateway none;
  const auto terms = payment_terms(settings);
  if (outside == nullptr && settings.boolean("dev")) {
    log::warn(
        "no payment gateway is asked: what signed notices say is believed, and what goes back "
        "is gone at once. Set gateway.address",
        {});
    return std::make_unique<payments::PaymentsWorker>(terms);
  }
  if (outside == nullptr)
    log::warn("gateway.address is not set: what payments would ask of a gateway waits", {});
  auto service = outside == nullptr
                     ? std::make_unique<payments::PaymentsWorker>(terms, none, process.clock)
                     : std::make_unique<payments::PaymentsWorker>(terms, outside->caller(),
                                                                  process.clock, outside->terms());
  service->report_to(process.metrics);
  return service;
}

ordering::Terms ordering_terms(const config::Settings& settings) {
  ordering::Terms terms;
  terms.card = settings.duration<std::chrono::seconds>("ordering.card_deadline");
  terms.bank = settings.duration<std::chrono::seconds>("ordering.bank_deadline");
  terms.card_reminder = settings.duration<std::chrono::seconds>("ordering.card_reminder");
  terms.bank_reminder = settings.duration<std::chrono::seconds>("ordering.bank_reminder");
  terms.returns = settings.duration<std::chrono::seconds>("ordering.returns");
  terms.deliveries = true;
  return terms;
}

}  // namespace

const std::vector<std::string>& roles() {
  static const std::vector<std::string> roles{"catalog",  "stock",      "payments", "coupons",
                                              "ordering", "deliveries", "points",   "rankings",
                                              "notices",  "feeds"};
  return roles;
}

std::unique_ptr<worker::Service> make_service(std::string_view role,
                                              const config::Settings& settings, Process& process,
                                              Outside* outside) {
  if (role == "stock") return std::make_unique<stock::StockWorker>();
  if (role == "payments") return make_payments(settings, process, outside);
  if (role == "coupons") return std::make_unique<coupons::CouponsWorker>();
  if (role == "ordering")
    return std::make_unique<ordering::OrderingWorker>(ordering_terms(settings));
  if (role == "catalog") return std::make_unique<catalog::CatalogWorker>();
  if (role == "deliveries") return std::make_unique<deliveries::DeliveriesWorker>();
  if (role == "points")
    return std::make_unique<points::PointsWorker>(points::Terms{settings.integer("points.rate")});
  if (role == "rankings") return std::make_unique<rankings::RankingsWorker>();
  if (role == "notices") return make_notices(settings, process);
  if (role == "feeds") return make_feeds(settings, process);
  return nullptr;
}

}  // namespace dropline::apps
