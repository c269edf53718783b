#include "dropline/stock/stock.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "dropline/contracts/body_hash.hpp"

namespace dropline::stock {
namespace {

using namespace contracts;  // NOLINT: this file speaks of nothing else

template <class Map, class Key>
auto* find_in(Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

void touch(Book& book, Offer& offer, const Placed& placed) {
  offer.place = placed.place;
  offer.at = placed.at;
  offer.shard = placed.place.partition;
  book.offers_changed.insert(offer.key);
}

/// Why an order gets nothing.
struct Refusal {
  RejectReason reason;
  std::optional<Sku> sku = {};
  std::optional<Money> total = {};
};

struct Priced {
  std::vector<PricedLine> lines;
  std::vector<Offer*> offers;  ///< of the lines, in their order
  Money total;
};

std::optional<Refusal> check_time(Book& book, const PlaceOrder& order, Timestamp at) {
  if (!order.drop) return std::nullopt;
  const auto* drop = book.drop(*order.drop);
  if (!drop) return Refusal{RejectReason::not_open};
  if (drop->standing == DropStanding::ended) return Refusal{RejectReason::drop_closed};
  if (at < drop->opens_at) return Refusal{RejectReason::not_open};
  if (at >= drop->closes_at) return Refusal{RejectReason::drop_closed};
  if (drop->standing == DropStanding::paused) return Refusal{RejectReason::paused};
  return std::nullopt;
}

std::optional<Refusal> price(Book& book, const PlaceOrder& order, Priced& out) {
  const auto* drop = order.drop ? book.drop(*order.drop) : nullptr;
  for (const auto& line : order.lines) {
    auto* offer = book.offer({order.drop, line.sku});
    const bool offered = offer && !offer->withdrawn &&
                         (!drop || std::ranges::find(drop->skus, line.sku) != drop->skus.end());
    if (!offered) return Refusal{RejectReason::unknown_product, line.sku};
    const auto amount = offer->price.times(line.quantity);
    const auto total = !amount             ? std::nullopt
                       : out.lines.empty() ? amount
                                           : out.total.plus(*amount);
    if (!total || total->minor > kMaxExact) return Refusal{RejectReason::price_changed, line.sku};
    out.total = *total;
    out.lines.push_back({line.sku, offer->product, line.quantity, offer->price, *amount});
    out.offers.push_back(offer);
  }
  if (order.expected_total && *order.expected_total != out.total)
    return Refusal{RejectReason::price_changed, std::nullopt, out.total};
  return std::nullopt;
}

const ProductLimit* product_limit(const Drop* drop, const ProductId& product) {
  if (!drop) return nullptr;
  const auto found = std::ranges::find(drop->product_limits, product, &ProductLimit::product);
  return found == drop->product_limits.end() ? nullptr : &*found;
}

/// Whether anybody counts what members hold of this offer. A drop's limits are fixed before its
/// first order; an ordinary offer may be given one any day, which then counts what came before.
bool counted(const Drop* drop, const Offer& offer) {
  return !drop || offer.limit || drop->limit_per_member || product_limit(drop, offer.product);
}

std::optional<Refusal> check_limits(Book& book, const PlaceOrder& order, const Priced& priced) {
  const auto* drop = order.drop ? book.drop(*order.drop) : nullptr;
  std::map<Sku, std::int64_t> by_sku;
  std::map<ProductId, std::int64_t> by_product;
  std::int64_t of_drop = 0;
  const HoldingKey from{order.drop, order.member, {}};
  for (auto held = book.holdings.lower_bound(from);
       held != book.holdings.end() && held->first.drop == order.drop &&
       held->first.member == order.member;
       ++held) {
    by_sku[held->first.sku] += held->second.units;
    by_product[held->second.product] += held->second.units;
    of_drop += held->second.units;
  }
  for (std::size_t i = 0; i < priced.lines.size(); ++i) {
    const auto& line = priced.lines[i];
    of_drop += line.quantity;
    by_product[line.product] += line.quantity;
    const auto& offer = *priced.offers[i];
    const auto* of_product = product_limit(drop, line.product);
    if ((offer.limit && by_sku[line.sku] + line.quantity > *offer.limit) ||
        (of_product && by_product[line.product] > of_product->limit) ||
        (drop && drop->limit_per_member && of_drop > *drop->limit_per_member))
      return Refusal{RejectReason::limit_exceeded, line.sku};
  }
  return std::nullopt;
}

/// All lines or none. What is settled does not come back by itself; what is only held may.
std::optional<Refusal> check_units(const PlaceOrder& order, const Priced& priced) {
  std::optional<Refusal> held;
  for (std::size_t i = 0; i < priced.lines.size(); ++i) {
    const auto& offer = *priced.offers[i];
    if (offer.free() >= priced.lines[i].quantity) continue;
    const auto may_return = offer.allocated - offer.settled;
    if (!order.drop || offer.free() + may_return < priced.lines[i].quantity)
      return Refusal{RejectReason::sold_out, priced.lines[i].sku};
    if (!held) held = Refusal{RejectReason::all_held, priced.lines[i].sku};
  }
  return held;
}

void allocate(Book& book, const PlaceOrder& order, const Priced& priced, const Placed& placed) {
  const auto* drop = order.drop ? book.drop(*order.drop) : nullptr;
  for (std::size_t i = 0; i < priced.lines.size(); ++i) {
    auto& offer = *priced.offers[i];
    const auto& line = priced.lines[i];
    offer.allocated += line.quantity;
    ensure(offer.free() >= 0, "no unit is promised twice");
    touch(book, offer, placed);
    if (!counted(drop, offer)) continue;
    const HoldingKey key{order.drop, order.member, line.sku};
    auto& holding = book.holdings[key];
    holding.product = line.product;
    holding.units += line.quantity;
    book.holdings_changed.insert(key);
  }
}

Order& keep(Book& book, const PlaceOrder& order, const Placed& placed) {
  auto& row = book.orders[order.order_id];
  row.id = order.order_id;
  row.member = order.member;
  row.drop = order.drop;
  row.body_hash = body_hash(order);
  row.first = placed.place;
  row.placed_at = placed.at;
  book.orders_changed.insert(order.order_id);
  return row;
}

Judgement refuse(Book& book, const PlaceOrder& order, const Placed& placed,
                 const Refusal& refusal) {
  auto& row = keep(book, order, placed);
  row.outcome = StockOutcome::refused;
  row.reason = refusal.reason;
  if (refusal.total) row.total = *refusal.total;
  StockRefused answer;
  answer.order_id = order.order_id;
  answer.member = order.member;
  answer.drop = order.drop;
  answer.reason = refusal.reason;
  answer.sku = refusal.sku;
  answer.total = refusal.total;
  answer.lines = order.lines;
  answer.payment = order.payment;
  answer.body_hash = row.body_hash;
  answer.place = placed.place;
  answer.placed_at = placed.at;
  return answer;
}

Judgement repeat(const Order& row, const PlaceOrder& order, const Placed& placed) {
  const auto hash = body_hash(order);
  if (hash != row.body_hash) {
    IdempotencyConflict conflict;
    conflict.order_id = row.id;
    conflict.member = row.member;
    conflict.drop = row.drop;
    conflict.body_hash = hash;
    conflict.first_body_hash = row.body_hash;
    conflict.first = row.first;
    conflict.place = placed.place;
    return conflict;
  }
  OrderRepeated again;
  again.order_id = row.id;
  again.member = row.member;
  again.drop = row.drop;
  again.outcome = row.outcome;
  again.reason = row.reason;
  again.body_hash = hash;
  again.first = row.first;
  again.place = placed.place;
  return again;
}

}  // namespace

Drop* Book::drop(const DropId& id) {
  return find_in(drops, id);
}
Offer* Book::offer(const OfferKey& key) {
  return find_in(offers, key);
}
Order* Book::order(const OrderId& id) {
  return find_in(orders, id);
}

Judgement judge(Book& book, const PlaceOrder& order, const Placed& placed) {
  if (const auto* row = book.order(order.order_id)) return repeat(*row, order, placed);
  Priced priced;
  auto refusal = check_time(book, order, placed.at);
  if (!refusal) refusal = price(book, order, priced);
  if (!refusal) refusal = check_limits(book, order, priced);
  if (!refusal) refusal = check_units(order, priced);
  if (refusal) return refuse(book, order, placed, *refusal);

  allocate(book, order, priced, placed);
  auto& row = keep(book, order, placed);
  row.outcome = StockOutcome::reserved;
  row.total = priced.total;
  row.lines = priced.lines;
  StockReserved reserved;
  reserved.order_id = order.order_id;
  reserved.member = order.member;
  reserved.drop = order.drop;
  reserved.lines = std::move(priced.lines);
  reserved.total = priced.total;
  reserved.payment = order.payment;
  reserved.coupon = order.coupon;
  reserved.delivery = order.delivery;
  reserved.body_hash = row.body_hash;
  reserved.place = placed.place;
  reserved.placed_at = placed.at;
  return reserved;
}

Judgement refuse_for_error(Book& book, const PlaceOrder& order, const Placed& placed) {
  if (const auto* row = book.order(order.order_id)) return repeat(*row, order, placed);
  return refuse(book, order, placed, {RejectReason::internal_error});
}

std::vector<UnitsReleased> release(Book& book, const ReleaseUnits& command, const Placed& placed) {
  std::vector<UnitsReleased> released;
  for (const auto& ended : command.orders) {
    auto* order = book.order(ended.order_id);
    if (!order || order->outcome != StockOutcome::reserved || order->drop != command.drop ||
        order->member != ended.member)
      continue;
    for (const auto& line : order->lines) {
      auto* offer = book.offer({order->drop, line.sku});
      ensure(offer != nullptr, "an offer that was sold exists");
      offer->allocated -= line.quantity;
      if (order->settled) offer->settled -= line.quantity;
      ensure(offer->allocated >= 0, "no unit comes back twice");
      touch(book, *offer, placed);
      const HoldingKey key{order->drop, order->member, line.sku};
      if (auto* holding = find_in(book.holdings, key)) {
        holding->units = std::max<std::int64_t>(0, holding->units - line.quantity);
        book.holdings_changed.insert(key);
      }
    }
    order->outcome = StockOutcome::released;
    book.orders_changed.insert(order->id);
    UnitsReleased answer;
    answer.order_id = order->id;
    answer.member = order->member;
    answer.drop = order->drop;
    answer.cause = ended.cause;
    answer.place = placed.place;
    released.push_back(std::move(answer));
  }
  return released;
}

std::optional<UnitsSettled> settle(Book& book, const SettleUnits& command, const Placed& placed) {
  UnitsSettled answer;
  answer.drop = command.drop;
  answer.member = command.member;
  answer.place = placed.place;
  for (const auto& paid : command.orders) {
    auto* order = book.order(paid.order_id);
    if (!order || order->settled || order->outcome != StockOutcome::reserved ||
        order->drop != command.drop || order->member != paid.member)
      continue;
    for (const auto& line : order->lines) {
      auto* offer = book.offer({order->drop, line.sku});
      ensure(offer != nullptr, "an offer that was sold exists");
      offer->settled += line.quantity;
      touch(book, *offer, placed);
    }
    order->settled = true;
    book.orders_changed.insert(order->id);
    answer.orders.push_back(order->id);
  }
  if (answer.orders.empty()) return std::nullopt;
  return answer;
}

OfferLevel level_of(const Offer& offer) {
  OfferLevel level;
  level.drop = offer.key.drop;
  level.product = offer.product;
  level.sku = offer.key.sku;
  level.version = offer.version;
  level.price = offer.price;
  level.limit = offer.limit;
  level.supplied = offer.supplied;
  level.free = offer.free();
  level.allocated = offer.allocated;
  level.settled = offer.settled;
  level.written_off = offer.written_off;
  if (offer.withdrawn) level.withdrawn = true;
  level.place = offer.place;
  level.at = offer.at;
  return level;
}

DropLevel level_of(const Drop& drop) {
  DropLevel level;
  level.drop = drop.id;
  level.version = drop.version;
  level.revision = drop.revision;
  level.state = drop.standing;
  level.opens_at = drop.opens_at;
  level.closes_at = drop.closes_at;
  level.limit_per_member = drop.limit_per_member;
  if (!drop.product_limits.empty()) level.product_limits = drop.product_limits;
  level.skus = drop.skus;
  level.place = drop.place;
  level.at = drop.at;
  return level;
}

}  // namespace dropline::stock
