// A value changed by hand in any table is named; a shop that is whole, or at work, is not blamed.
#include <doctest/doctest.h>

#include "shop.hpp"

using namespace dropline;
using namespace dropline::audit;
using namespace dropline::audit::testing;

namespace {

std::string text(const Report& report) {
  std::string all = report.unsettled;
  for (const auto& outcome : report.outcomes)
    for (const auto& finding : outcome.findings)
      all += "\n" + finding.code + ": " + finding.where + ": " + finding.what +
             (outcome.unsettled ? " (unsettled)" : "");
  return all;
}

/// A finding that counts stands in that table's rows, or speaks of them.
bool names(const Report& report, std::string_view table) {
  for (const auto& outcome : report.outcomes)
    for (const auto& finding : outcome.findings)
      if (!outcome.unsettled &&
          (finding.where.starts_with(table) || finding.what.find(table) != std::string::npos))
        return true;
  return false;
}

struct Drift {
  std::string_view service;
  std::string_view sql;
  std::string_view table;  ///< must be named
};

const Drift kDrifts[] = {
    // stock
    {"stock", "UPDATE {offers} SET supplied = supplied + 1, free = free + 1 WHERE price = 29000",
     "stock.offers"},
    {"stock", "UPDATE {offers} SET allocated = allocated + 1, free = free - 1 WHERE allocated > 0",
     "stock.offers"},
    {"stock", "UPDATE {offers} SET settled = settled - 1 WHERE settled > 0", "stock.offers"},
    {"stock", "UPDATE {offers} SET written_off = 1, supplied = supplied + 1 WHERE allocated > 0",
     "stock.offers"},
    {"stock", "UPDATE {offers} SET price = 1", "stock.offers"},
    {"stock", "UPDATE {offers} SET shard = 3 - shard", "stock.offers"},
    {"stock", "UPDATE {offers} SET withdrawn = TRUE WHERE allocated > 0", "stock.offers"},
    {"stock", "DELETE FROM {offers} WHERE allocated > 0", "stock.offers"},
    {"stock", "UPDATE {orders} SET outcome = 'released' WHERE settled AND outcome = 'reserved'",
     "stock.orders"},
    {"stock", "UPDATE {orders} SET outcome = 'reserved' WHERE outcome = 'released'",
     "stock.orders"},
    {"stock", "UPDATE {orders} SET total = total + 1 WHERE outcome = 'reserved'", "stock.orders"},
    {"stock", "UPDATE {orders} SET reason = 'sold_out' WHERE outcome = 'refused'", "stock.orders"},
    {"stock",
     "UPDATE {orders} SET member = '01000000-0000-8000-8000-0000000000ff' "
     "WHERE outcome = 'refused'",
     "stock.orders"},
    {"stock", "UPDATE {orders} SET place_offset = place_offset + 1 WHERE outcome = 'refused'",
     "stock.orders"},
    {"stock", "UPDATE {orders} SET settled = NOT settled WHERE outcome = 'released'",
     "stock.orders"},
    {"stock", "DELETE FROM {orders} WHERE outcome = 'refused'", "stock.orders"},
    {"stock", "UPDATE {holdings} SET units = units + 1", "stock.holdings"},
    {"stock", "UPDATE {holdings} SET product = '06000000-0000-8000-8000-0000000000ff'",
     "stock.holdings"},
    {"stock", "DELETE FROM {holdings} WHERE units > 0", "stock.holdings"},
    {"stock", "UPDATE {drops} SET standing = 'paused'", "stock.drops"},
    {"stock", "UPDATE {drops} SET limit_per_member = 2", "stock.drops"},
    {"stock", "UPDATE {drops} SET closes_at = closes_at + 1", "stock.drops"},
    {"stock", "UPDATE {drops} SET shard = shard + 1, place_partition = place_partition + 1",
     "stock.drops"},
    {"stock", "DELETE FROM {changes}", "stock.changes"},
    // payments
    {"payments", "UPDATE {wallets} SET balance = balance - 1 WHERE balance > 0",
     "payments.wallets"},
    {"payments", "UPDATE {wallets} SET charged = charged + 1", "payments.wallets"},
    {"payments", "UPDATE {wallets} SET transfers = transfers + 1", "payments.wallets"},
    {"payments", "UPDATE {wallets} SET shard = 3 - shard", "payments.wallets"},
    {"payments", "UPDATE {wallets} SET currency = 'USD'", "payments.wallets"},
    {"payments", "UPDATE {entries} SET amount = amount + 1 WHERE account = 'held'",
     "payments.entries"},
    {"payments", "UPDATE {entries} SET balance = balance + 1 WHERE account = 'wallet'",
     "payments.entries"},
    {"payments", "UPDATE {entries} SET kind = 'close' WHERE kind = 'capture'", "payments.entries"},
    {"payments", "UPDATE {entries} SET shard = 3 - shard", "payments.entries"},
    {"payments", "DELETE FROM {entries} WHERE kind = 'close'", "payments.payments"},
    {"payments", "UPDATE {totals} SET balance = balance + 1 WHERE account = 'held'",
     "payments.totals"},
    {"payments", "DELETE FROM {totals} WHERE account = 'gateway'", "payments.totals"},
    {"payments",
     "UPDATE {payments} SET state = 'closed', refunded = captured, cause = 'cancelled' "
     "WHERE state = 'captured'",
     "payments.payments"},
    {"payments", "UPDATE {payments} SET refunded = 1 WHERE state = 'captured'",
     "payments.payments"},
    {"payments", "UPDATE {payments} SET amount = amount + 1 WHERE state = 'open'",
     "payments.payments"},
    {"payments", "UPDATE {payments} SET declined = NULL WHERE declined IS NOT NULL",
     "payments.payments"},
    {"payments", "DELETE FROM {payments} WHERE state = 'open'", "payments.payments"},
    {"payments", "UPDATE {charges} SET amount = amount + 1", "payments.charges"},
    {"payments", "UPDATE {charges} SET state = 'requested'", "payments.charges"},
    {"payments",
     "INSERT INTO {refunds} SELECT charge, member, charge, 5, currency, NULL, at FROM {charges}",
     "payments.refunds"},
    // ordering
    {"ordering", "UPDATE {orders} SET state = 'cancelled' WHERE state = 'preparing'",
     "ordering.orders"},
    {"ordering", "UPDATE {orders} SET version = version + 1 WHERE state = 'preparing'",
     "ordering.orders"},
    {"ordering", "UPDATE {orders} SET paid = paid - 1 WHERE paid > 0", "ordering.orders"},
    {"ordering", "UPDATE {orders} SET refunded = refunded - 1 WHERE refunded > 0",
     "ordering.orders"},
    {"ordering", "UPDATE {orders} SET total = total + 1 WHERE state = 'payment_failed'",
     "stock.orders"},
    {"ordering", "UPDATE {orders} SET shard = 3 - shard", "ordering.orders"},
    {"ordering",
     "UPDATE {orders} SET member = '01000000-0000-8000-8000-0000000000ff' "
     "WHERE state = 'rejected'",
     "ordering.orders"},
    {"ordering",
     "UPDATE {orders} SET timeline = "
     "CAST(replace(CAST(timeline AS text), '\"reserved\"', '\"expired\"') AS {json})",
     "ordering.orders"},
    {"ordering", "DELETE FROM {orders} WHERE state = 'preparing'", "ordering.orders"},
    // catalog
    {"catalog", "UPDATE {products} SET retired = NOT retired", "catalog.products"},
    {"catalog", "UPDATE {products} SET version = version + 1", "catalog.products"},
    {"catalog", "UPDATE {products} SET shard = shard + 1", "catalog.products"},
    {"catalog",
     "UPDATE {products} SET state = CAST(replace(CAST(state AS text), '29000', '2') AS {json})",
     "catalog.products"},
    {"catalog", "UPDATE {drops} SET revision = revision + 1", "catalog.drops"},
    {"catalog", "UPDATE {drops} SET opens_at = opens_at - 1", "catalog.drops"},
    {"catalog", "UPDATE {skus} SET product = '06000000-0000-8000-8000-0000000000ff'",
     "catalog.skus"},
    {"catalog", "DELETE FROM {skus} WHERE sku = 'SHIRT-L'", "catalog.skus"},
    {"catalog", "UPDATE {changes} SET made = NOT made", "catalog.changes"},
    {"catalog", "DELETE FROM {changes}", "catalog.changes"},
    // coupons
    {"coupons", "UPDATE {campaigns} SET issued = issued - 1", "coupons.campaigns"},
    {"coupons", "UPDATE {campaigns} SET quantity = quantity + 1", "coupons.campaigns"},
    {"coupons", "UPDATE {campaigns} SET standing = 'paused'", "coupons.campaigns"},
    {"coupons", "UPDATE {coupons} SET state = 'free', order_id = NULL WHERE state = 'redeemed'",
     "coupons.coupons"},
    {"coupons", "UPDATE {coupons} SET member = '01000000-0000-8000-8000-0000000000ff'",
     "coupons.coupons"},
    {"coupons", "UPDATE {coupons} SET place_offset = place_offset + 1", "coupons.coupons"},
    {"coupons", "DELETE FROM {coupons} WHERE state = 'free'", "coupons.campaigns"},
    {"coupons", "UPDATE {uses} SET discount = discount + 1 WHERE state = 'redeemed'",
     "coupons.uses"},
    {"coupons", "UPDATE {uses} SET state = 'redeemed' WHERE state = 'released'", "coupons.uses"},
    {"coupons", "DELETE FROM {uses} WHERE state = 'declined'", "coupons.uses"},
    {"coupons", "DELETE FROM {changes}", "coupons.changes"},
    // deliveries
    {"deliveries",
     "UPDATE {deliveries} SET state = 'closed', closed_version = 0, cause = "
     "'cancelled' WHERE state = 'preparing'",
     "deliveries.deliveries"},
    {"deliveries", "UPDATE {deliveries} SET waybill = '4711' WHERE state = 'shipped'",
     "deliveries.deliveries"},
    {"deliveries", "UPDATE {deliveries} SET recipient = 's1.shop.BBBB' WHERE recipient IS NOT NULL",
     "deliveries.deliveries"},
    {"deliveries", "UPDATE {deliveries} SET delivered_at = delivered_at + 1",
     "deliveries.deliveries"},
    {"deliveries", "UPDATE {deliveries} SET shipped_by = 'admin:bob' WHERE state = 'shipped'",
     "deliveries.deliveries"},
    {"deliveries", "DELETE FROM {deliveries} WHERE state = 'delivered'", "deliveries.deliveries"},
    // points
    {"points", "UPDATE {entries} SET points = points + 1 WHERE kind = 'accrual'", "points.entries"},
    {"points", "UPDATE {entries} SET money = money + 1 WHERE kind = 'accrual'", "points.entries"},
    {"points", "DELETE FROM {entries} WHERE kind = 'reversal'", "points.entries"},
    {"points", "UPDATE {balances} SET balance = balance + 1", "points.balances"},
    {"points", "DELETE FROM {balances}", "points.balances"},
    // rankings
    {"rankings", "UPDATE {sales} SET units = units + 1", "rankings.sales"},
    {"rankings", "UPDATE {sales} SET product = '06000000-0000-8000-8000-0000000000ff'",
     "rankings.sales"},
    {"rankings", "DELETE FROM {sales}", "rankings.sales"},
    {"rankings", "UPDATE {snapshots} SET until_hour = until_hour + 1", "rankings.snapshots"},
    {"rankings", "UPDATE {snapshots} SET body = replace(body, 'SHIRT', 'SHORT')",
     "rankings.snapshots"},
    {"rankings", "DELETE FROM {snapshots}", "rankings.snapshots"},
    // the loop, in each service's schema
    {"stock", "UPDATE {shards} SET seq = seq - 1 WHERE seq > 0", "stock.shards"},
    {"payments", "UPDATE {shards} SET seq = seq + 1", "payments.shards"},
    {"ordering", "UPDATE {shards} SET epoch = 0", "ordering.shards"},
    {"payments", "UPDATE {shards} SET watermarks = ''", "payments.shards"},
    {"catalog",
     "UPDATE {shards} SET positions = replace(positions, 'catalog.commands ', "
     "'catalog.commands 9')",
     "catalog.shards"},
    {"ordering",
     "INSERT INTO {held} VALUES (0, 'x', 1, 'stock.events', 0, "
     "CAST('' AS {bytes}), 'failed', '')",
     "ordering.held"},
};

}  // namespace

TEST_CASE("a shop whose orders went every way is found whole") {
  Shop shop;
  shop.live();
  const auto report = shop.look();
  CHECK_MESSAGE(report.whole(), text(report));
  CHECK(report.unsettled.empty());
  CHECK(report.records > 30);
  CHECK(report.outcomes.size() > 30);
}

TEST_CASE("money that passes no wallet is not blamed") {
  Shop shop;
  std::vector<OrderId> waiting;
  for (std::uint32_t who = 1; who <= 6; ++who)
    waiting.push_back(shop.place(who, PaymentMethod::bank));
  shop.run();
  for (std::uint32_t who = 1; who <= 6; ++who)
    shop.transfer(waiting[who - 1], who);
  shop.run(120);
  const auto report = shop.look();
  CHECK_MESSAGE(report.whole(), text(report));
  CHECK(report.unsettled.empty());
  CHECK(shop.by_hand("payments", "UPDATE {entries} SET at = at WHERE account = 'held'") == 6);
}

TEST_CASE("a value changed by hand is named, in every table") {
  Shop shop;
  shop.live();
  for (const auto& drift : kDrifts) {
    CAPTURE(drift.service);
    CAPTURE(drift.sql);
    // Seen by the audit within the transaction that makes it, and undone with it.
    auto transaction = store::Transaction::begin(shop.session).value();
    REQUIRE(shop.by_hand(drift.service, drift.sql) > 0);
    const auto report = shop.look(shop.session);
    CHECK_FALSE(report.whole());
    CHECK_MESSAGE(names(report, drift.table), text(report));
  }
  CHECK(shop.look().whole());
}

TEST_CASE("orders on their way are not blamed, wherever the services stand") {
  Shop shop;
  shop.fill_wallet(1, 60'000);
  shop.run();
  for (std::uint32_t who = 1; who <= 4; ++who)
    shop.place(who);
  for (std::size_t services = 1; services <= Shop::kServices; ++services) {
    CAPTURE(services);
    shop.run(1, services);
    const auto report = shop.look();
    CHECK_MESSAGE(report.whole(), text(report));
    shop.run(80, services);
    const auto stopped = shop.look();
    CHECK_MESSAGE(stopped.whole(), text(stopped));
    if (services == 2) CHECK_FALSE(stopped.unsettled.empty());
  }
}

TEST_CASE("a drift between services is told apart from orders on their way once they arrive") {
  Shop shop;
  shop.live();
  REQUIRE(shop.by_hand("ordering", "DELETE FROM {orders} WHERE state = 'rejected'") == 2);
  shop.place(6, PaymentMethod::wallet, "late");
  shop.run(1, 2);
  const auto before = shop.look();
  CHECK_FALSE(before.unsettled.empty());
  shop.run();
  const auto after = shop.look();
  CHECK(after.unsettled.empty());
  CHECK_MESSAGE(names(after, "ordering.orders"), text(after));
}
