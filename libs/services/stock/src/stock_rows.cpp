#include "stock_rows.hpp"

#include "dropline/contracts/codec.hpp"
#include "dropline/crypto/hex.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::stock {
namespace {

/// What a drop's row keeps as JSON.
struct DropLists {
  std::vector<contracts::ProductLimit> product_limits;
  std::vector<Sku> skus;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("product_limits", self.product_limits, contracts::Bounds{0, contracts::kMaxOffers});
    visit("skus", self.skus, contracts::Bounds{0, contracts::kMaxOffers});
  }
};

/// What an order's row keeps as JSON.
struct OrderLines {
  std::vector<contracts::PricedLine> lines;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, contracts::Bounds{0, contracts::kMaxLines});
  }
};

Error damaged(std::string_view table, std::string_view column, std::string_view value) {
  return store::error(store::Errc::failed, "stock." + std::string(table) + '.' +
                                               std::string(column) + " holds '" +
                                               std::string(value) + "', which means nothing");
}

Money money(const store::Rows::Row& row, std::size_t amount, std::size_t currency) {
  return {row.int64(amount), Currency::parse(row.text(currency)).value_or(Currency())};
}

contracts::LogPlace place(const store::Rows::Row& row, std::size_t first) {
  return {static_cast<std::int32_t>(row.int64(first)), row.int64(first + 1)};
}

std::optional<std::int64_t> maybe(const store::Rows::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.int64(column));
}

}  // namespace

std::string drop_lists(const Drop& drop) {
  return contracts::encode(DropLists{drop.product_limits, drop.skus});
}

std::string order_lines(const Order& order) {
  return contracts::encode(OrderLines{order.lines});
}

Result<Drop> read_drop(const store::Rows::Row& row) {
  Drop drop;
  drop.id = row.id<DropId>(0);
  drop.version = row.int64(1);
  drop.revision = row.int64(2);
  const auto standing = contracts::parse_enum<contracts::DropStanding>(row.text(3));
  if (!standing) return damaged("drops", "standing", row.text(3));
  drop.standing = *standing;
  drop.opens_at = row.time(4);
  drop.closes_at = row.time(5);
  drop.limit_per_member = maybe(row, 6);
  auto lists = contracts::decode<DropLists>(row.text(7));
  if (!lists) return damaged("drops", "lists", row.text(7));
  drop.product_limits = std::move(lists->product_limits);
  drop.skus = std::move(lists->skus);
  drop.shard = static_cast<std::int32_t>(row.int64(8));
  drop.place = place(row, 9);
  drop.at = row.time(11);
  return drop;
}

Result<Offer> read_offer(const store::Rows::Row& row) {
  Offer offer;
  const auto sku = Sku::parse(row.text(1));
  if (!sku) return damaged("offers", "sku", row.text(1));
  offer.key = {drop_of(row.uuid(0)), *sku};
  offer.product = row.id<ProductId>(2);
  offer.price = money(row, 3, 4);
  offer.limit = maybe(row, 5);
  offer.supplied = row.int64(6);
  offer.allocated = row.int64(8);
  offer.settled = row.int64(9);
  offer.written_off = row.int64(10);
  offer.version = row.int64(11);
  offer.shard = static_cast<std::int32_t>(row.int64(12));
  offer.place = place(row, 13);
  offer.at = row.time(15);
  offer.withdrawn = row.boolean(16);
  return offer;
}

Result<Order> read_order(const store::Rows::Row& row) {
  Order order;
  order.id = row.id<OrderId>(0);
  order.member = row.id<MemberId>(1);
  order.drop = drop_of(row.uuid(2));
  const auto outcome = contracts::parse_enum<contracts::StockOutcome>(row.text(3));
  if (!outcome) return damaged("orders", "outcome", row.text(3));
  order.outcome = *outcome;
  if (!row.is_null(4)) {
    order.reason = contracts::parse_enum<contracts::RejectReason>(row.text(4));
    if (!order.reason) return damaged("orders", "reason", row.text(4));
  }
  const auto hash = crypto::parse_digest(row.text(5));
  if (!hash) return damaged("orders", "body_hash", row.text(5));
  order.body_hash = *hash;
  order.first = place(row, 6);
  order.placed_at = row.time(8);
  order.total = money(row, 9, 10);
  if (!row.is_null(11)) {
    auto lines = contracts::decode<OrderLines>(row.text(11));
    if (!lines) return damaged("orders", "lines", row.text(11));
    order.lines = std::move(lines->lines);
  }
  order.settled = row.boolean(12);
  return order;
}

}  // namespace dropline::stock
