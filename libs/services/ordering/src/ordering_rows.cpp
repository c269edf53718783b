#include "ordering_rows.hpp"

#include "dropline/contracts/codec.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::ordering {
namespace {

using contracts::Bounds;

/// What the columns do not say.
struct Facts {
  std::optional<std::vector<contracts::PricedLine>> lines;
  std::optional<std::vector<contracts::OrderLine>> asked_lines;
  std::optional<contracts::RejectReason> rejected;
  std::optional<Sku> rejected_sku;
  std::optional<contracts::PaymentChoice> payment;
  std::optional<CouponId> coupon;
  std::optional<contracts::SealedText> delivery;
  std::optional<crypto::Digest> body_hash;
  std::optional<contracts::LogPlace> place;
  std::optional<CouponFacts> coupon_facts;
  std::optional<PaymentFacts> money;
  std::optional<GoodsFacts> goods;
  std::optional<Cancellation> cancellation;
  std::optional<bool> expiring;
  std::optional<bool> unsettled;
  std::optional<std::vector<AskedRefund>> refunds;
  std::optional<std::vector<Refund>> given_back;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, contracts::kLineBounds);
    visit("asked_lines", self.asked_lines, contracts::kLineBounds);
    visit("rejected", self.rejected);
    visit("rejected_sku", self.rejected_sku);
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("delivery", self.delivery);
    visit("body_hash", self.body_hash);
    visit("place", self.place);
    visit("coupon_facts", self.coupon_facts);
    visit("money", self.money);
    visit("goods", self.goods);
    visit("cancellation", self.cancellation);
    visit("expiring", self.expiring);
    visit("unsettled", self.unsettled);
    visit("refunds", self.refunds, Bounds{0, kMaxAskedRefunds});
    visit("given_back", self.given_back, Bounds{0, kMaxRefunds});
  }
};

struct Timeline {
  std::vector<contracts::TimelineEntry> entries;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("entries", self.entries, Bounds{0, kMaxTimeline});
  }
};

Error damaged(std::string_view column, std::string_view value) {
  return store::error(store::Errc::failed, "ordering.orders." + std::string(column) + " holds '" +
                                               std::string(value) + "', which means nothing");
}

template <class T>
std::optional<std::vector<T>> unless_empty(const std::vector<T>& list) {
  return list.empty() ? std::nullopt : std::optional(list);
}

Facts facts_of(const Order& order) {
  Facts facts;
  if (order.known) {
    facts.lines = unless_empty(order.lines);
    facts.asked_lines = unless_empty(order.asked_lines);
    facts.rejected = order.rejected;
    facts.rejected_sku = order.rejected_sku;
    facts.payment = order.payment;
    facts.coupon = order.coupon;
    facts.delivery = order.delivery;
    facts.body_hash = order.body_hash;
    facts.place = order.place;
  }
  if (order.coupon_facts.any()) facts.coupon_facts = order.coupon_facts;
  if (order.money.any()) facts.money = order.money;
  if (order.goods.any()) facts.goods = order.goods;
  facts.cancellation = order.cancellation;
  if (order.expiring) facts.expiring = true;
  if (order.unsettled) facts.unsettled = true;
  facts.refunds = unless_empty(order.refunds);
  facts.given_back = unless_empty(order.given_back);
  return facts;
}

void take_facts(Facts&& facts, Order& order) {
  order.lines = std::move(facts.lines).value_or(std::vector<contracts::PricedLine>());
  order.asked_lines = std::move(facts.asked_lines).value_or(std::vector<contracts::OrderLine>());
  order.rejected = facts.rejected;
  order.rejected_sku = std::move(facts.rejected_sku);
  order.payment = facts.payment.value_or(contracts::PaymentChoice());
  order.coupon = facts.coupon;
  order.delivery = std::move(facts.delivery);
  order.body_hash = facts.body_hash.value_or(crypto::Digest());
  order.place = facts.place.value_or(contracts::LogPlace());
  order.coupon_facts = std::move(facts.coupon_facts).value_or(CouponFacts());
  order.goods = std::move(facts.goods).value_or(GoodsFacts());
  order.unsettled = facts.unsettled.value_or(false);
  order.given_back = std::move(facts.given_back).value_or(std::vector<Refund>());
  order.money = std::move(facts.money).value_or(PaymentFacts());
  order.cancellation = std::move(facts.cancellation);
  order.expiring = facts.expiring.value_or(false);
  order.refunds = std::move(facts.refunds).value_or(std::vector<AskedRefund>());
}

std::optional<Timestamp> maybe_time(const store::Rows::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.time(column));
}

}  // namespace

void put_order(store::RowBuffer& rows, const Order& order) {
  rows.add(order.key.order).add(order.key.member).add(order.drop);
  rows.add(contracts::to_text(order.state)).add(order.version);
  rows.add(order.known ? std::optional(order.placed_at) : std::nullopt);
  rows.add(order.total.currency.text()).add(order.total.minor);
  rows.add(order.paid().minor).add(order.refunded().minor);
  rows.add(order.due_at).add(order.shard).add(order.deadline);
  rows.add(contracts::encode(facts_of(order)));
  rows.add(contracts::encode(Timeline{order.timeline}));
}

Result<Order> read_order(const store::Rows::Row& row) {
  Order order;
  order.key = {row.id<OrderId>(0), row.id<MemberId>(1)};
  if (!row.is_null(2)) order.drop = row.id<DropId>(2);
  const auto state = contracts::parse_enum<contracts::OrderState>(row.text(3));
  if (!state) return damaged("state", row.text(3));
  order.state = *state;
  order.version = row.int64(4);
  order.known = !row.is_null(5);
  if (order.known) order.placed_at = row.time(5);
  const auto currency = Currency::parse(row.text(6));
  if (!currency) return damaged("currency", row.text(6));
  order.total = {row.int64(7), *currency};
  order.due_at = maybe_time(row, 10);
  order.shard = static_cast<std::int32_t>(row.int64(11));
  order.deadline = maybe_time(row, 12);
  auto facts = contracts::decode<Facts>(row.text(13));
  if (!facts) return damaged("facts", row.text(13));
  take_facts(std::move(*facts), order);
  auto timeline = contracts::decode<Timeline>(row.text(14));
  if (!timeline) return damaged("timeline", row.text(14));
  order.timeline = std::move(timeline->entries);
  return order;
}

}  // namespace dropline::ordering
