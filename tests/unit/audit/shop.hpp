#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/audit/auditor.hpp"
#include "dropline/base/random.hpp"
#include "dropline/catalog/catalog_worker.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/catalog_commands.hpp"
#include "dropline/contracts/coupons_commands.hpp"
#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_outside.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/coupons/coupons_worker.hpp"
#include "dropline/deliveries/deliveries_worker.hpp"
#include "dropline/ordering/ordering_worker.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/points/points_worker.hpp"
#include "dropline/rankings/rankings_worker.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "support/ruling_manual_clock.hpp"

namespace dropline::audit::testing {

using namespace contracts;  // NOLINT: tests say messages

template <class Id>
Id numbered(std::uint8_t kind, std::uint32_t number) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[6] = 0x80;
  uuid.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i)
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Id(uuid);
}
inline MemberId member(std::uint32_t number) {
  return numbered<MemberId>(1, number);
}
inline DropId drop(std::uint32_t number) {
  return numbered<DropId>(3, number);
}
inline CampaignId campaign(std::uint32_t number) {
  return numbered<CampaignId>(13, number);
}
inline ProductId product(std::uint32_t number) {
  return numbered<ProductId>(6, number);
}
inline Sku sku(std::string_view text) {
  return Sku::parse(text).value();
}
inline Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}

/// A whole shop on a log in memory and a database: a product with two options, a drop of one of
/// them, members with wallets, a campaign of few coupons; every service a worker driven by hand.
class Shop final {
 public:
  static constexpr std::int32_t kPartitions = 4;
  static constexpr std::int64_t kPrice = 29'000;
  static constexpr std::size_t kServices = 8;
  using Millis = std::chrono::milliseconds;

  Shop() {
    REQUIRE(keys.add("test", "a secret that is long enough"));
    REQUIRE(
        stream.admin(std::chrono::seconds(1)).value()->ensure_topics(topic_specs(kPartitions, "")));
    producer = stream.producer([](auto) {}).value();
    start(catalog);
    start(stock);
    start(payments);
    start(ordering);
    start(coupons);
    start(deliveries);
    start(points);
    start(rankings);
    open();
  }

  /// Turns of all services, or of the first `services` only.
  void run(int turns = 60, std::size_t services = kServices) {
    for (int i = 0; i < turns; ++i) {
      stream.pump();
      for (std::size_t s = 0; s < services; ++s) {
        workers[s]->step(Millis(0));
        streams[s]->pump();
      }
      clock.advance(Millis(50));
    }
  }

  void fill_wallet(std::uint32_t who, std::int64_t amount) {
    ChargeWallet wish;
    wish.charge = numbered<ChargeId>(7, ++charges_);
    wish.member = member(who);
    wish.amount = won(amount);
    say(wish);
    GatewayAnswered word;
    word.call = numbered<ChangeId>(8, charges_);
    word.member = wish.member;
    word.charge = wish.charge;
    word.outcome = GatewayOutcome::captured;
    word.amount = wish.amount;
    say(word);
  }
  OrderId place(std::uint32_t who, PaymentMethod method = PaymentMethod::wallet,
                std::string_view key = "first", std::optional<DropId> of = drop(1),
                std::optional<Money> expected = std::nullopt) {
    PlaceOrder order;
    order.expected_total = expected;
    order.member = member(who);
    order.drop = of;
    order.lines = {{sku("SHIRT-M"), 1}};
    order.payment.method = method;
    order.idempotency_key = key;
    order.order_id = make_order_id(order.member, order.drop, order.idempotency_key);
    order.body_hash = body_hash(order);
    say(order);
    return order.order_id;
  }
  void transfer(const OrderId& order, std::uint32_t who) {
    BankDeposited word;
    word.transaction = "transfer-" + std::to_string(who);
    word.deposit = deposit_id(word.transaction);
    word.amount = won(kPrice);
    word.reference = to_text(Reference{member(who), order});
    say(word);
  }
  /// An ordinary order of that many shirts, to be sent somewhere, perhaps with a coupon.
  OrderId buy(std::uint32_t who, std::string_view key, std::int32_t quantity,
              std::optional<CouponId> coupon = std::nullopt) {
    PlaceOrder order;
    order.member = member(who);
    order.lines = {{sku("SHIRT-M"), quantity}};
    order.coupon = coupon;
    order.delivery = SealedText{"s1.shop.AAAA", {}};
    order.idempotency_key = key;
    order.order_id = make_order_id(order.member, order.drop, order.idempotency_key);
    order.body_hash = body_hash(order);
    say(order);
    return order.order_id;
  }
  CouponId coupon_of(std::uint32_t who) { return make_coupon_id(campaign(1), member(who)); }
  template <class Command>
  void move_goods(const OrderId& order, std::uint32_t who, Command command = {}) {
    command.change = numbered<ChangeId>(10, ++moves_);
    command.order_id = order;
    command.member = member(who);
    command.actor = {ActorKind::admin, "ann"};
    say(command);
  }
  void ship(const OrderId& order, std::uint32_t who) {
    ShipDelivery command;
    command.carrier = "own-van";
    command.waybill = "100" + std::to_string(who);
    move_goods(order, who, command);
  }
  void give_back(const OrderId& order, std::uint32_t who,
                 std::optional<std::vector<OrderLine>> lines = std::nullopt) {
    RefundOrder command;
    command.refund = numbered<RefundId>(11, ++moves_);
    command.order_id = order;
    command.member = member(who);
    command.lines = std::move(lines);
    command.actor = {ActorKind::member, member(who).text()};
    say(command);
  }
  void cancel(const OrderId& order, std::uint32_t who) {
    CancelOrder command;
    command.change = numbered<ChangeId>(9, who);
    command.order_id = order;
    command.member = member(who);
    command.actor = {ActorKind::member, member(who).text()};
    say(command);
  }
  template <class T>
  void say(const T& message) {
    auto out = outgoing(message);
    const auto id = random.uuid4().text();
    auto attributes = out.attributes("ingress/a", id, clock.now());
    std::string signature;
    if (out.is_signed) signature = keys.sign(attributes, out.key, *out.body);
    attributes.signature = signature;
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer->send({out.topic, out.key, *out.body, headers.list(), std::nullopt}, 0));
  }

  /// Every way an order can go: paid, cancelled after it, without money, waiting for a card,
  /// refused, at another price than was expected, ordinary; then with_coupons() and with_goods().
  void live() {
    for (std::uint32_t who = 1; who <= 6; ++who)
      if (who != 3) fill_wallet(who, 60'000);
    run();
    for (std::uint32_t who = 1; who <= 3; ++who)
      orders.push_back(place(who));
    orders.push_back(place(4, PaymentMethod::card));
    orders.push_back(place(5, PaymentMethod::wallet, "ordinary", std::nullopt));
    orders.push_back(place(1, PaymentMethod::wallet, "second"));  // Over the limit.
    orders.push_back(place(5, PaymentMethod::wallet, "dear", drop(1), won(kPrice - 1)));
    run();
    cancel(orders[1], 2);
    run(120);
    with_coupons();
    with_goods();
    run(120);
  }

  /// Two of three members get a coupon and an operator grants one more; one is used, one is with an
  /// order that waits for its money, one is tried twice, one comes back.
  void with_coupons() {
    PutCampaign promise;
    promise.change = numbered<ChangeId>(12, 1);
    promise.campaign = campaign(1);
    promise.terms.name.en = "Welcome";
    promise.terms.quantity = 3;
    promise.terms.discount.percent = 10;
    promise.terms.discount.cap = won(1'999);
    promise.terms.least_order = won(1'000);
    promise.terms.issue_from = promise.terms.use_from = clock.now() - std::chrono::hours(1);
    promise.terms.issue_until = promise.terms.use_until = clock.now() + std::chrono::hours(1);
    promise.actor = {ActorKind::admin, "ann"};
    say(promise);
    GrantCoupon grant;
    grant.change = numbered<ChangeId>(12, 2);
    grant.campaign = campaign(1);
    grant.member = member(7);
    grant.reason = "a faithful member";
    grant.actor = promise.actor;
    say(grant);
    for (const std::uint32_t who : {5U, 6U, 4U})
      say(IssueCoupon{campaign(1), member(who)});
    for (const std::uint32_t who : {5U, 6U, 7U})
      fill_wallet(who, 200'000);
    run();
    discounted_ = buy(5, "with-a-coupon", 3, coupon_of(5));
    const auto comes_back = buy(6, "given-back", 1, coupon_of(6));
    whole_ = buy(7, "whole", 2, coupon_of(7));
    const auto declined = buy(7, "another-has-it", 1, coupon_of(5));
    orders.insert(orders.end(), {discounted_, comes_back, whole_, declined});
    run();
    cancel(comes_back, 6);
    run();
  }

  /// One order on its way, one there and kept, one given back by a unit, one whole.
  void with_goods() {
    const auto sent = buy(1, "on-its-way", 1);
    const auto kept = buy(5, "kept", 1);
    orders.insert(orders.end(), {sent, kept});
    run();
    ship(sent, 1);
    ship(kept, 5);
    ship(discounted_, 5);
    ship(whole_, 7);
    run(20);
    CorrectWaybill correct;
    correct.carrier = "own-van";
    correct.waybill = "2002";
    correct.reason = "misread";
    move_goods(sent, 1, correct);
    for (const auto& [order, who] : {std::pair(kept, 5U), {discounted_, 5U}, {whole_, 7U}})
      move_goods<DeliverDelivery>(order, who);
    run(20);
    give_back(discounted_, 5, {{{sku("SHIRT-M"), 1}}});
    give_back(whole_, 7, {{{sku("SHIRT-M"), 1}}});
    run(20);
    give_back(whole_, 7);
  }

  Report look(Millis patience = Millis(0)) {
    auto reader = place_->database().open({.read_only = true}).value();
    return look(reader, patience);
  }
  Result<Report> try_look(store::Session& reader, Millis patience = Millis(0)) {
    Options options;
    options.partitions = kPartitions;
    options.patience = patience;
    options.keys = &keys;
    stream::MemoryStream own(log);
    return audit(reader, own, SystemClock(), options);
  }
  Report look(store::Session& reader, Millis patience = Millis(0)) {
    auto report = try_look(reader, patience);
    REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().text()));
    return std::move(*report);
  }
  /// Changes rows by hand; tells how many.
  std::size_t by_hand(std::string_view service, std::string_view sql) {
    auto changed = store::change(session, {"by hand", service, sql}, {});
    REQUIRE_MESSAGE(changed.has_value(), (changed ? "" : changed.error().text()));
    return *changed;
  }

  dropline::testing::RulingManualClock clock;
  SeededRandom random{11};
  CommandKeys keys;
  std::unique_ptr<Place> place_ = make_place(clock);
  store::Session session = place_->database().open().value();
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream stream{log};
  std::unique_ptr<stream::Producer> producer;
  catalog::CatalogWorker catalog;
  stock::StockWorker stock;
  payments::PaymentsWorker payments{payments::Terms{won(1'000), won(1'000'000)}};
  ordering::OrderingWorker ordering{
      ordering::Terms{.returns = std::chrono::seconds(5), .deliveries = true}};
  coupons::CouponsWorker coupons;
  deliveries::DeliveriesWorker deliveries;
  points::PointsWorker points;
  rankings::RankingsWorker rankings;
  std::vector<std::unique_ptr<stream::MemoryStream>> streams;
  std::vector<std::unique_ptr<worker::Worker>> workers;
  std::vector<OrderId> orders;

 private:
  void start(worker::Service& service) {
    streams.push_back(std::make_unique<stream::MemoryStream>(log));
    worker::LoopOptions loop;
    loop.partitions = kPartitions;
    workers.push_back(worker::Worker::start({.service = service,
                                             .database = place_->database(),
                                             .stream = *streams.back(),
                                             .clock = clock,
                                             .random = random,
                                             .keys = keys,
                                             .member = "a",
                                             .session = {},
                                             .loop = loop})
                          .value());
  }
  void open() {
    const Actor ann{ActorKind::admin, "ann"};
    PutProduct shirts;
    shirts.change = numbered<ChangeId>(4, 1);
    shirts.product = product(1);
    shirts.name.en = "Shirt";
    shirts.options = {{sku("SHIRT-M"), {}, won(kPrice), std::nullopt},
                      {sku("SHIRT-L"), {}, won(kPrice), std::nullopt}};
    for (auto& option : shirts.options)
      option.name.en = "Medium or large";
    shirts.actor = ann;
    say(shirts);
    run(20);
    ScheduleDrop sale;
    sale.change = numbered<ChangeId>(4, 2);
    sale.drop = drop(1);
    sale.title.en = "Shirts";
    sale.terms.offers = {{sku("SHIRT-M"), product(1), won(kPrice), 10, std::nullopt}};
    sale.terms.limit_per_member = 1;
    sale.terms.opens_at = clock.now() + std::chrono::seconds(1);
    sale.terms.closes_at = clock.now() + std::chrono::hours(1000);
    sale.actor = ann;
    say(sale);
    Restock more;
    more.change = numbered<ChangeId>(4, 3);
    more.product = product(1);
    more.sku = sku("SHIRT-M");
    more.units = 50;
    more.reason = "arrived";
    more.actor = ann;
    say(more);
    run(40);
  }
  std::uint32_t charges_ = 0;
  std::uint32_t moves_ = 0;
  OrderId discounted_;
  OrderId whole_;
};

}  // namespace dropline::audit::testing
