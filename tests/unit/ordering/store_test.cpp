// Ordering's rows survive the database, in both dialects.
#include "dropline/ordering/ordering_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "dropline/ordering/ordering_queries.hpp"
#include "dropline/store/transaction.hpp"
#include "place.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;

namespace {

struct Kept {
  ManualClock clock;
  Ground ground{clock};

  void save(const Book& book) {
    auto transaction = store::Transaction::begin(ground.session).value();
    const auto saved = ordering::save(ground.session, book);
    REQUIRE_MESSAGE(saved.has_value(), (saved ? "" : saved.error().text()));
    REQUIRE(transaction.commit());
  }
  /// Takes batches in, each in a transaction of its own.
  void take(std::uint32_t number, const std::vector<std::vector<Said>>& batches) {
    for (const auto& batch : batches) {
      auto book = ordering::load(ground.session, {{order_id(number), member(number)}}).value();
      auto& order = book.order({order_id(number), member(number)}, 5);
      static_cast<void>(testing::take(order, batch));
      book.changed.insert(order.key);
      save(book);
    }
  }
  std::optional<Order> find(std::uint32_t number, std::uint32_t of) {
    auto found = find_order(ground.session, order_id(number), member(of));
    REQUIRE_MESSAGE(found.has_value(), (found ? "" : found.error().text()));
    return *found;
  }
  Page page(std::uint32_t of, Listing listing, const std::optional<Cursor>& after,
            std::int64_t limit) {
    auto found = orders_page(ground.session, member(of), listing, after, limit);
    REQUIRE_MESSAGE(found.has_value(), (found ? "" : found.error().text()));
    return std::move(*found);
  }
};

const std::vector<std::vector<std::vector<Said>>>& histories() {
  static const std::vector<std::vector<std::vector<Said>>> all{
      {{reserved(1)}, {captured(1)}, {cancel(1)}, {closed(1, EndCause::cancelled, kPrice)}},
      {{reserved(1, PaymentMethod::card)}, {opened(1)}, {cancel(1)}, {closed(1)}},
      {{reserved(1, PaymentMethod::bank, std::nullopt)}, {opened(1)}, {captured(1)}},
      {{cancel(1)}, {refund(1)}, {captured(1)}, {reserved(1)}},
      {{declined(1)}, {reserved(1)}},
      {{sold_out(1)}},
      {{cancel(1), refund(1, 1), refund(1, 2)}},
  };
  return all;
}

}  // namespace

TEST_CASE("what is saved after every batch is what is loaded before the next") {
  for (const auto& history : histories()) {
    Kept kept;
    auto order = new_order();
    order.shard = 5;
    for (const auto& batch : history) {
      auto with_all = batch;
      for (auto& message : with_all)
        if (auto* stock = std::get_if<StockReserved>(&message)) {
          stock->delivery = SealedText{std::string(kSealed), {1, 2, 3}};
          stock->coupon = numbered<CouponId>(9, 1);
          stock->body_hash.fill(7);
        }
      static_cast<void>(testing::take(order, with_all));
      kept.take(1, {with_all});
      auto book = load(kept.ground.session, {order.key, order.key}).value();
      REQUIRE(book.orders.size() == 1);
      auto copy = book.orders.at(order.key);
      copy.stock = order.stock;  // Not kept: its step has been taken.
      CHECK((copy == order));
    }
  }
}

TEST_CASE("an order is found by its member, once stock's fact is in") {
  Kept kept;
  kept.take(1, {{cancel(1)}});
  CHECK_FALSE(kept.find(1, 1).has_value());
  CHECK(kept.page(1, Listing::all, {}, 10).orders.empty());
  kept.take(1, {{reserved(1)}});
  const auto order = kept.find(1, 1);
  REQUIRE(order.has_value());
  CHECK(order->state == OrderState::reserved);
  CHECK(order->closing());
  CHECK(order->place == LogPlace{3, 1});
  CHECK(order->lines.size() == 1);
  CHECK(order->total == won(kPrice));
  CHECK(order->timeline.size() == 1);
  CHECK_FALSE(kept.find(1, 2).has_value());
  CHECK_FALSE(kept.find(2, 1).has_value());
}

TEST_CASE("pages go from the newest to the oldest, each order once") {
  Kept kept;
  Book book;
  for (std::uint32_t i = 1; i <= 23; ++i) {
    Order order = new_order(i);
    order.key.member = member(1);
    auto stock = reserved(i);
    stock.placed_at = kNoon + std::chrono::seconds(i / 3);  // Some at the same time.
    static_cast<void>(testing::take(order, {stock}));
    if (i % 4 == 0) static_cast<void>(testing::take(order, {closed(i, EndCause::expired)}));
    book.changed.insert(order.key);
    book.orders.emplace(order.key, order);
  }
  kept.save(book);
  kept.take(50, {{reserved(50)}});  // Another member's.
  for (const std::int64_t size : {1, 2, 7, 22, 23, 100})
    for (const auto listing : {Listing::open, Listing::all}) {
      std::vector<Cursor> seen;
      std::optional<Cursor> after;
      for (int pages = 0; pages < 40; ++pages) {
        const auto page = kept.page(1, listing, after, size);
        CHECK(page.orders.size() <= static_cast<std::size_t>(size));
        for (const auto& order : page.orders) {
          seen.push_back({order.placed_at, order.key.order});
          CHECK(order.key.member == member(1));
          if (listing == Listing::open) CHECK(order.state != OrderState::expired);
        }
        after = page.next;
        if (!after) break;
      }
      CHECK(seen.size() == (listing == Listing::all ? 23 : 18));
      CHECK(std::ranges::is_sorted(seen, std::greater<>()));
      CHECK(std::ranges::adjacent_find(seen) == seen.end());
    }
}

TEST_CASE("a page's size is kept within its bounds") {
  Kept kept;
  Book book;
  for (std::uint32_t i = 1; i <= kMaxPage + 5; ++i) {
    Order order = new_order(i);
    order.key.member = member(1);
    static_cast<void>(testing::take(order, {reserved(i)}));
    book.changed.insert(order.key);
    book.orders.emplace(order.key, order);
  }
  kept.save(book);
  CHECK(kept.page(1, Listing::all, {}, 1'000'000).orders.size() == kMaxPage);
  CHECK(kept.page(1, Listing::all, {}, 0).orders.size() == 1);
  CHECK(kept.page(1, Listing::all, {}, -7).orders.size() == 1);
}

TEST_CASE("what is due is found by shard and time, the longest due first, and no more than asked") {
  Kept kept;
  Book book;
  for (std::uint32_t i = 1; i <= 30; ++i) {
    Order order = new_order(i);
    order.shard = static_cast<std::int32_t>(i % 3);
    static_cast<void>(testing::take(order, {reserved(i, PaymentMethod::card), opened(i)}));
    order.deadline = kNoon + std::chrono::minutes(i);
    book.changed.insert(order.key);
    book.orders.emplace(order.key, order);
  }
  kept.save(book);
  const std::vector<std::int32_t> shards{0, 2};
  const auto at = [&](int minutes, std::size_t limit) {
    return load_due(kept.ground.session, shards, kNoon + std::chrono::minutes(minutes), limit)
        .value()
        .orders;
  };
  CHECK(at(0, 100).empty());
  CHECK(at(30, 100).size() == 20);
  CHECK(at(3, 100).size() == 2);
  const auto first = at(30, 3);
  REQUIRE(first.size() == 3);
  for (const auto& [key, order] : first)
    CHECK(order.deadline <= kNoon + std::chrono::minutes(5));
  CHECK(
      load_due(kept.ground.session, {}, kNoon + std::chrono::hours(9), 10).value().orders.empty());
}

TEST_CASE("what is gone leaves no row") {
  Kept kept;
  kept.take(1, {{cancel(1)}});
  auto book = load(kept.ground.session, {{order_id(1), member(1)}}).value();
  REQUIRE(expire(book.orders.begin()->second, kMuchLater).gone);
  book.gone.insert(book.orders.begin()->first);
  kept.save(book);
  CHECK(kept.ground.number("ordering", "SELECT count(*) FROM {orders}") == 0);
}

TEST_CASE("a row that means nothing is an error that names it") {
  Kept kept;
  kept.take(1, {{reserved(1)}});
  REQUIRE(store::change(kept.ground.session,
                        {"plant", "ordering", "UPDATE {orders} SET state = 'lost'"}, {}));
  const auto found = find_order(kept.ground.session, order_id(1), member(1));
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().detail.find("ordering.orders.state") != std::string::npos);
}
