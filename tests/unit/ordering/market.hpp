#pragma once

#include <string>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "town.hpp"

namespace dropline::ordering::testing {

/// A town with stock, payments and ordering, where a drop of shirts is open.
struct Market : Town {
  static constexpr std::int64_t kUnits = 5;

  Market() {
    OpenDrop terms;
    terms.change = change_id(1);
    terms.drop = drop(1);
    terms.revision = 1;
    terms.terms.offers = {
        {sku("SHIRT-M"), numbered<ProductId>(6, 1), won(kPrice), kUnits, std::nullopt}};
    terms.terms.limit_per_member = 1;
    terms.terms.opens_at = clock.now();
    terms.terms.closes_at = clock.now() + std::chrono::hours(1000);
    terms.actor = {ActorKind::admin, "ann"};
    clock.jump(-std::chrono::seconds(1));
    say(terms, {"catalog/0"});
    clock.jump(std::chrono::seconds(2));
    settle();
  }

  void settle(int turns = 80) { run({&stock_at, &payments_at, &ordering_at}, turns); }

  void fill_wallet(std::uint32_t who, std::int64_t amount) {
    ChargeWallet wish;
    wish.charge = numbered<ChargeId>(7, who);
    wish.member = member(who);
    wish.amount = won(amount);
    say(wish);
    GatewayAnswered word;
    word.call = numbered<ChangeId>(8, who);
    word.member = member(who);
    word.charge = wish.charge;
    word.outcome = GatewayOutcome::captured;
    word.amount = wish.amount;
    say(word, {"payments/0"});
  }
  OrderId place(std::uint32_t who, PaymentMethod method = PaymentMethod::wallet,
                std::string_view key = "first") {
    PlaceOrder order;
    order.member = member(who);
    order.drop = drop(1);
    order.lines = {{sku("SHIRT-M"), 1}};
    order.payment.method = method;
    order.idempotency_key = key;
    order.order_id = make_order_id(order.member, order.drop, order.idempotency_key);
    order.body_hash = body_hash(order);
    say(order);
    return order.order_id;
  }
  void cancel(const OrderId& order, std::uint32_t who, std::uint32_t change = 1) {
    auto command = testing::cancel(who, change);
    command.order_id = order;
    say(command);
  }
  std::int64_t balance(std::uint32_t who) {
    const auto wallet = payments::find_wallet(ground.session, member(who)).value();
    return wallet ? wallet->balance : 0;
  }
  std::int64_t offer(std::string_view column) {
    return ground.number("stock", "SELECT " + std::string(column) + " FROM {offers}");
  }
  OrderState state_of(const OrderId& order, std::uint32_t who) { return state(order, member(who)); }
  /// What every auditor would ask, wherever orders have come to rest.
  void audit() {
    CHECK(offer("free + allocated + written_off - supplied") == 0);
    CHECK(offer("allocated") ==
          ground.number("ordering",
                        "SELECT count(*) FROM {orders} WHERE state IN ('reserved', "
                        "'awaiting_payment', 'paid')"));
    CHECK(offer("settled") ==
          ground.number("ordering", "SELECT count(*) FROM {orders} WHERE state = 'paid'"));
    CHECK(
        ground.number("payments", "SELECT coalesce(sum(captured - refunded), 0) FROM {payments}") ==
        ground.number("ordering",
                      "SELECT coalesce(sum(total), 0) FROM {orders} WHERE state = 'paid'"));
    CHECK(ground.number("payments", "SELECT coalesce(sum(amount), 0) FROM {entries}") == 0);
    CHECK(
        ground.number("ordering", "SELECT coalesce(sum(paid - refunded), 0) FROM {orders}") ==
        ground.number("payments", "SELECT coalesce(sum(captured - refunded), 0) FROM {payments}"));
  }

  stock::StockWorker stock;
  payments::PaymentsWorker payments{payments::Terms{won(1'000), won(1'000'000)}};
  OrderingWorker ordering;
  Process stock_at{*this, stock};
  Process payments_at{*this, payments};
  Process ordering_at{*this, ordering};
};

}  // namespace dropline::ordering::testing
