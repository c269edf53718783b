#include "dropline/stock/stock_store.hpp"

#include <algorithm>

#include "dropline/crypto/hex.hpp"
#include "dropline/store/table.hpp"
#include "stock_rows.hpp"

namespace dropline::stock {
namespace {

template <class T>
void sort_unique(std::vector<T>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

template <class Id>
store::RowBuffer id_keys(const store::Table& table, const std::vector<Id>& ids) {
  auto keys = store::RowBuffer::keys(table);
  keys.reserve(ids.size());
  for (const auto& id : ids)
    keys.add(id);
  return keys;
}

Status load_orders(store::Session& session, Wanted& wanted, Book& book) {
  sort_unique(wanted.orders);
  auto rows = store::load(session, kOrders, id_keys(kOrders, wanted.orders));
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto order = read_order(row);
    if (!order) return order.error();
    for (const auto& line : order->lines) {
      wanted.offers.push_back({order->drop, line.sku});
      wanted.members.emplace_back(order->drop, order->member);
    }
    book.orders.emplace(order->id, std::move(*order));
  }
  return {};
}

Status load_drops(store::Session& session, Wanted& wanted, Book& book) {
  wanted.drops.insert(wanted.drops.end(), wanted.whole_drops.begin(), wanted.whole_drops.end());
  sort_unique(wanted.drops);
  auto rows = store::load(session, kDrops, id_keys(kDrops, wanted.drops));
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto drop = read_drop(row);
    if (!drop) return drop.error();
    book.drops.emplace(drop->id, std::move(*drop));
  }
  return {};
}

Status take_offers(const Result<store::Rows>& rows, Book& book) {
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto offer = read_offer(row);
    if (!offer) return offer.error();
    book.offers.insert_or_assign(offer->key, std::move(*offer));
  }
  return {};
}

Status load_offers(store::Session& session, Wanted& wanted, Book& book) {
  if (!wanted.whole_drops.empty()) {
    auto keys = store::RowBuffer::keys(kOffers, {"drop_id"});
    sort_unique(wanted.whole_drops);
    for (const auto& drop : wanted.whole_drops)
      keys.add(drop);
    if (auto taken =
            take_offers(store::load(session, kOffers, keys, store::Lock::for_update), book);
        !taken)
      return taken;
  }
  sort_unique(wanted.offers);
  auto keys = store::RowBuffer::keys(kOffers);
  for (const auto& key : wanted.offers)
    if (!book.offers.contains(key)) keys.add(drop_cell(key.drop)).add(key.sku.text());
  return take_offers(store::load(session, kOffers, keys, store::Lock::for_update), book);
}

Status load_holdings(store::Session& session, Wanted& wanted, Book& book) {
  sort_unique(wanted.members);
  auto keys = store::RowBuffer::keys(kHoldings, {"drop_id", "member"});
  for (const auto& [drop, member] : wanted.members)
    keys.add(drop_cell(drop)).add(member);
  auto rows = store::load(session, kHoldings, keys);
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const auto sku = Sku::parse(row.text(2));
    if (!sku) continue;  // Nobody's: no offer can have that name.
    book.holdings[{drop_of(row.uuid(0)), row.id<MemberId>(1), *sku}] = {row.id<ProductId>(3),
                                                                        row.int64(4)};
  }
  return {};
}

Status load_changes(store::Session& session, Wanted& wanted, Book& book) {
  sort_unique(wanted.changes);
  auto rows = store::load(session, kChanges, id_keys(kChanges, wanted.changes));
  if (!rows) return rows.error();
  for (const auto row : *rows)
    book.changes.insert(row.id<contracts::ChangeId>(0));
  return {};
}

void put(store::RowBuffer& rows, const Drop& drop) {
  rows.add(drop.id).add(drop.version).add(drop.revision).add(contracts::to_text(drop.standing));
  rows.add(drop.opens_at).add(drop.closes_at).add(drop.limit_per_member).add(drop_lists(drop));
  rows.add(drop.shard).add(drop.place.partition).add(drop.place.offset).add(drop.at);
}

void put(store::RowBuffer& rows, const Offer& offer) {
  rows.add(drop_cell(offer.key.drop)).add(offer.key.sku.text()).add(offer.product);
  rows.add(offer.price.minor).add(offer.price.currency.text()).add(offer.limit);
  rows.add(offer.supplied).add(offer.free()).add(offer.allocated).add(offer.settled);
  rows.add(offer.written_off).add(offer.version).add(offer.shard);
  rows.add(offer.place.partition).add(offer.place.offset).add(offer.at).add(offer.withdrawn);
}

void put(store::RowBuffer& rows, const Order& order) {
  rows.add(order.id).add(order.member).add(drop_cell(order.drop));
  rows.add(contracts::to_text(order.outcome));
  if (order.reason) {
    rows.add(contracts::to_text(*order.reason));
  } else {
    rows.null();
  }
  rows.add(crypto::hex_encode(order.body_hash)).add(order.first.partition).add(order.first.offset);
  rows.add(order.placed_at).add(order.total.minor).add(order.total.currency.text());
  if (order.lines.empty()) {
    rows.null();
  } else {
    rows.add(order_lines(order));
  }
  rows.add(order.settled);
}

}  // namespace

Result<Book> load(store::Session& session, Wanted wanted) {
  Book book;
  if (auto done = load_orders(session, wanted, book); !done) return done.error();
  if (auto done = load_drops(session, wanted, book); !done) return done.error();
  if (auto done = load_offers(session, wanted, book); !done) return done.error();
  if (auto done = load_holdings(session, wanted, book); !done) return done.error();
  if (auto done = load_changes(session, wanted, book); !done) return done.error();
  return book;
}

Status save(store::Session& session, Book& book, Timestamp now) {
  store::RowBuffer drops(kDrops);
  for (const auto& id : book.drops_changed) {
    auto& drop = book.drops.at(id);
    ++drop.version;
    put(drops, drop);
  }
  store::RowBuffer offers(kOffers);
  for (const auto& key : book.offers_changed) {
    auto& offer = book.offers.at(key);
    ++offer.version;
    put(offers, offer);
  }
  store::RowBuffer orders(kOrders);
  for (const auto& id : book.orders_changed)
    put(orders, book.orders.at(id));
  store::RowBuffer holdings(kHoldings);
  for (const auto& key : book.holdings_changed) {
    const auto& holding = book.holdings.at(key);
    holdings.add(drop_cell(key.drop)).add(key.member).add(key.sku.text());
    holdings.add(holding.product).add(holding.units);
  }
  store::RowBuffer changes(kChanges);
  for (const auto& id : book.changes_new)
    changes.add(id).add(now);

  if (auto done = store::upsert(session, kDrops, drops); !done) return done;
  if (auto done = store::upsert(session, kOffers, offers); !done) return done;
  if (auto done = store::upsert(session, kOrders, orders); !done) return done;
  if (auto done = store::upsert(session, kHoldings, holdings); !done) return done;
  auto added = store::insert(session, kChanges, changes, store::OnConflict::ignore);
  if (!added) return added.error();
  return {};
}

Result<Book> load_shards(store::Session& session, std::span<const std::int32_t> shards,
                         Timestamp since) {
  Book book;
  auto keys = store::RowBuffer::keys(kDrops, {"shard"});
  for (const auto shard : shards)
    keys.add(shard);
  auto drops = store::load(session, kDrops, keys);
  if (!drops) return drops.error();
  for (const auto row : *drops) {
    auto drop = read_drop(row);
    if (!drop) return drop.error();
    if (drop->closes_at >= since) book.drops.emplace(drop->id, std::move(*drop));
  }
  auto offer_keys = store::RowBuffer::keys(kOffers, {"shard"});
  for (const auto shard : shards)
    offer_keys.add(shard);
  if (auto taken = take_offers(store::load(session, kOffers, offer_keys), book); !taken)
    return taken.error();
  std::erase_if(book.offers, [&book](const auto& entry) {
    return entry.first.drop && !book.drops.contains(*entry.first.drop);
  });
  return book;
}

}  // namespace dropline::stock
