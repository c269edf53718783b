// Any cell of any table, changed by hand: named, refused by the database, or free for a reason.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "cells.hpp"
#include "shop.hpp"

using namespace dropline;
using namespace dropline::audit;
using namespace dropline::audit::testing;

namespace {

constexpr std::string_view kEpoch =
    "only compared by who claimed it, and an owner that finds another claims anew";
constexpr std::string_view kHeld = "empty at rest; that a row there shows is tried elsewhere";
constexpr std::string_view kOutbox = "empty at rest; while a row waits there, nothing is at rest";

/// Cells that may be changed without anything promised being changed with them.
const std::map<std::string, std::string_view> kFree{
    {"catalog.changes.at", "when it was answered, for whoever clears old ones away"},
    {"stock.changes.at", "when it was answered, for whoever clears old ones away"},
    {"catalog.products.at", "when the row was last written; its state is told word for word"},
    {"catalog.drops.at", "when the row was last written; its listing is told word for word"},
    {"payments.payments.at", "when the row was last written"},
    {"payments.payments.opened_at", "when the row was made; the order's own time is stock's"},
    {"payments.charges.at", "when the row was last written; its entry has the time told"},
    {"payments.charges.method", "how it was asked for; only what was captured is money"},
    {"payments.wallets.at", "when the row was last written; entries have their times"},
    {"catalog.shards.epoch", kEpoch},
    {"stock.shards.epoch", kEpoch},
    {"payments.shards.epoch", kEpoch},
    {"ordering.shards.epoch", kEpoch},
    {"coupons.changes.at", "when it was met, for whoever clears old ones away"},
    {"coupons.shards.epoch", kEpoch},
    {"deliveries.shards.epoch", kEpoch},
    {"points.shards.epoch", kEpoch},
    {"rankings.shards.epoch", kEpoch},
    {"rankings.sales.hour", "of a row that came to no units, which is as good as none"},
    {"rankings.sales.shard", "of a row that came to no units, which is as good as none"},
    {"payments.refunds.at", "when it was answered; its entries have their time"},
    {"ordering.orders.facts:cancellation.asked_goods", "the order has ended: nothing is asked"},
    {"ordering.orders.facts:coupon_facts.billed", "its payment is there: nothing is asked again"},
    {"ordering.orders.deadline", "when the sweep looks at it; due_at is what was told"},
    {"ordering.orders.facts:cancellation.asked", "the order has ended: nothing is asked again"},
    {"ordering.orders.facts:delivery.digest", "of an order that was never paid: nothing is sent"},
    {"ordering.orders.facts:delivery.sealed", "of an order that was never paid: nothing is sent"},
    {"ordering.orders.facts:given_back[].refunded_at", "the step that told of it has its time"},
    {"ordering.orders.facts:cancellation.change", "the record that brought it is held"},
};

/// Cells whose change may be missed: names of other records that are in the log, and who did a step
/// that is not told on its own (a reservation whose money was known at once).
const std::set<std::string_view> kByChance{
    "ordering.orders.facts:coupon_facts.declined.record.message",
    "ordering.orders.facts:coupon_facts.reserved.record.message",
    "ordering.orders.facts:goods.closed.message",
    "ordering.orders.facts:goods.delivered.record.message",
    "ordering.orders.facts:goods.preparing.message",
    "ordering.orders.facts:goods.shipped.record.message",
    "ordering.orders.facts:money.captured.record.message",
    "ordering.orders.timeline:entries[].actor.id",
    "ordering.orders.timeline:entries[].message",
};

/// Tables that a shop at rest has no rows in.
const std::map<std::string, std::string_view> kEmpty{
    {"catalog.held", kHeld},
    {"catalog.outbox", kOutbox},
    {"stock.held", kHeld},
    {"stock.outbox", kOutbox},
    {"payments.held", kHeld},
    {"payments.outbox", kOutbox},
    {"ordering.held", kHeld},
    {"ordering.outbox", kOutbox},
    {"coupons.held", kHeld},
    {"coupons.outbox", kOutbox},
    {"deliveries.held", kHeld},
    {"deliveries.outbox", kOutbox},
    {"points.held", kHeld},
    {"points.outbox", kOutbox},
    {"rankings.held", kHeld},
    {"rankings.outbox", kOutbox},
    {"payments.calls", "no card was paid here; an answered call is kept for the record"},
    {"payments.returns", "nothing went back past a wallet"},
    {"payments.deposits", "no bank brought anything"},
    {"payments.credits", "no bank brought anything"},
};

constexpr std::string_view kServices[] = {"catalog", "stock",      "payments", "ordering",
                                          "coupons", "deliveries", "points",   "rankings"};

/// Changes of one cell that are tried, spread over the rows that have it; of free ones all are.
constexpr std::size_t kMostChanges = 6;

std::vector<Cell> some_of(std::vector<Cell> all) {
  if (all.size() <= kMostChanges || kFree.contains(all.front().name)) return all;
  std::vector<Cell> some;
  for (std::size_t i = 0; i < kMostChanges; ++i)
    some.push_back(std::move(all[i * all.size() / kMostChanges]));
  return some;
}

/// One change in a transaction of its own, which is undone.
enum class Fate { found, refused, missed };
Fate try_change(Shop& shop, const Cell& cell) {
  auto transaction = store::Transaction::begin(shop.session).value();
  if (!shop.session.execute("by hand", cell.update)) return Fate::refused;
  // What a check cannot read dooms the transaction; outside of one it is a finding, `unreadable`.
  const auto report = shop.try_look(shop.session);
  return report && report->whole() ? Fate::missed : Fate::found;
}

}  // namespace

TEST_CASE("every column of every table is held against something, or is free for a reason") {
  Shop shop;
  shop.live();
  REQUIRE(shop.look().whole());
  std::vector<std::string> empty;
  std::map<std::string, std::string> missed;
  std::size_t changes = 0;
  std::map<std::string, std::vector<Cell>> by_name;
  for (const auto service : kServices)
    for (auto& cell : cells(shop.session, service, empty))
      by_name[cell.name].push_back(std::move(cell));
  for (auto& [name, all] : by_name)
    for (const auto& cell : some_of(std::move(all))) {
      ++changes;
      if (try_change(shop, cell) == Fate::missed)
        missed.emplace(name, cell.row + ": " + cell.change);
    }
  for (const auto& [name, example] : missed)
    CHECK_MESSAGE((kFree.contains(name) || kByChance.contains(name)),
                  name << " is held against nothing: " << example);
  for (const auto& [name, reason] : kFree)
    CHECK_MESSAGE(missed.contains(name), name << " is not free: take it off the list");
  for (const auto& table : empty)
    CHECK_MESSAGE(kEmpty.contains(table), table << " has no rows here: nothing of it is tried");
  MESSAGE(changes << " changes of " << by_name.size() << " cells, " << missed.size() << " free");
  CHECK(shop.look().whole());
}
