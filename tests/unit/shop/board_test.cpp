#include "dropline/shop/board.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "dropline/base/random.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::shop;
using namespace std::chrono_literals;
using contracts::OrderState;

namespace {

struct Desk {
  SystemClock clock;
  SystemRandom random;
  Board board{clock};
  OrderId order{random.uuid4()};
  crypto::Digest mine{1};
  crypto::Digest other{2};

  [[nodiscard]] Clock::Steady later() const { return clock.steady() + 1h; }
  [[nodiscard]] OrderNews news(OrderState state, std::optional<crypto::Digest> hash = {}) const {
    OrderNews out;
    out.order = order;
    out.state = state;
    out.body_hash = hash;
    return out;
  }
};

}  // namespace

TEST_CASE("who waits is told once, when the money is decided") {
  Desk desk;
  int told = 0;
  REQUIRE(desk.board.wait(desk.order, desk.mine, desk.later(),
                          [&](const OrderNews* news, bool decided) {
                            REQUIRE(news != nullptr);
                            CHECK(decided);
                            CHECK(news->state == OrderState::paid);
                            CHECK(news->total == Money{500, {}});
                            ++told;
                          }));
  CHECK(desk.board.awaited(desk.order));
  auto granted = desk.news(OrderState::reserved, desk.mine);
  granted.total = Money{500, {}};
  SUBCASE("stock's word first") {
    desk.board.tell(desk.news(OrderState::received));
    desk.board.tell(granted);
    CHECK(told == 0);
    desk.board.tell(desk.news(OrderState::paid));
  }
  SUBCASE("the money's topic is read before stock's") {
    desk.board.tell(desk.news(OrderState::paid));
    CHECK(told == 0);
    desk.board.tell(granted);
  }
  desk.board.tell(desk.news(OrderState::cancelled));
  CHECK(told == 1);
  CHECK(desk.board.waiters() == 0);
  CHECK_FALSE(desk.board.awaited(desk.order));
}

TEST_CASE("news answer the command they are about") {
  Desk desk;
  std::vector<OrderState> mine;
  int conflicts = 0;
  REQUIRE(desk.board.wait(desk.order, desk.mine, desk.later(),
                          [&](const OrderNews* news, bool) { mine.push_back(news->state); }));
  REQUIRE(desk.board.wait(desk.order, desk.other, desk.later(), [&](const OrderNews* news, bool) {
    conflicts += news->conflict ? 1 : 100;
  }));
  desk.board.tell(desk.news(OrderState::reserved, desk.mine));
  desk.board.tell(desk.news(OrderState::payment_failed));
  CHECK(mine == std::vector{OrderState::payment_failed});
  CHECK(conflicts == 0);
  auto conflict = desk.news(OrderState::received, desk.other);
  conflict.conflict = true;
  desk.board.tell(conflict);
  CHECK(conflicts == 1);
  CHECK(desk.board.waiters() == 0);
}

TEST_CASE("who waits in vain hears how far the order came") {
  Desk desk;
  std::atomic<int> told{0};
  REQUIRE(desk.board.wait(desk.order, desk.mine, desk.clock.steady() + 20ms,
                          [&](const OrderNews* news, bool decided) {
                            CHECK_FALSE(decided);
                            CHECK((news && news->state == OrderState::reserved));
                            ++told;
                          }));
  desk.board.tell(desk.news(OrderState::reserved, desk.mine));
  REQUIRE(testing::eventually([&] { return told == 1; }));
}

TEST_CASE("a waiter that is cancelled hears nothing; its twin does") {
  Desk desk;
  int first = 0;
  int second = 0;
  static_cast<void>(desk.board.wait(desk.order, desk.mine, desk.later(),
                                    [&](const OrderNews*, bool) { ++first; }));
  const auto twin = desk.board.wait(desk.order, desk.mine, desk.later(),
                                    [&](const OrderNews*, bool) { ++second; });
  REQUIRE(twin);
  desk.board.cancel(desk.order, *twin);
  desk.board.cancel(desk.order, *twin);
  CHECK(desk.board.waiters() == 1);
  desk.board.tell(desk.news(OrderState::rejected, desk.mine));
  CHECK(first == 1);
  CHECK(second == 0);
  desk.board.cancel(desk.order, *twin);
}

TEST_CASE("when time is up a waiter is told so, the soonest first, others wait on") {
  Desk desk;
  std::atomic<int> early{0};
  std::atomic<int> late{0};
  static_cast<void>(desk.board.wait(desk.order, desk.other, desk.later(),
                                    [&](const OrderNews*, bool) { ++late; }));
  static_cast<void>(desk.board.wait(desk.order, desk.mine, desk.clock.steady() + 20ms,
                                    [&](const OrderNews* news, bool) {
                                      CHECK(news == nullptr);
                                      ++early;
                                    }));
  REQUIRE(testing::eventually([&] { return early == 1; }));
  CHECK(late == 0);
  CHECK(desk.board.waiters() == 1);
}

TEST_CASE("who still waits when the board goes is told that time is up") {
  int told = 0;
  {
    Desk desk;
    static_cast<void>(
        desk.board.wait(desk.order, desk.mine, desk.later(),
                        [&](const OrderNews* news, bool) { told += news ? 100 : 1; }));
  }
  CHECK(told == 1);
}

TEST_CASE("no more may wait than the board bears") {
  Desk desk;
  for (std::size_t i = 0; i < Board::kMaxWaiters; ++i)
    REQUIRE(desk.board.wait(OrderId(desk.random.uuid4()), desk.mine, desk.later(),
                            [](const OrderNews*, bool) {}));
  CHECK_FALSE(desk.board.wait(desk.order, desk.mine, desk.later(), [](const OrderNews*, bool) {}));
}

TEST_CASE("of news, deadline and cancelling at once, one ends the waiter") {
  Desk desk;
  constexpr int kOrders = 2'000;
  std::vector<std::atomic<int>> ends(kOrders);
  std::vector<OrderId> orders;
  std::vector<Board::Ticket> tickets;
  for (std::size_t i = 0; i < kOrders; ++i) {
    orders.emplace_back(desk.random.uuid4());
    tickets.push_back(*desk.board.wait(orders.back(), desk.mine, desk.clock.steady() + 5ms,
                                       [&ends, i](const OrderNews*, bool) { ++ends[i]; }));
  }
  std::thread teller([&] {
    for (const auto& order : orders) {
      auto news = desk.news(OrderState::rejected, desk.mine);
      news.order = order;
      desk.board.tell(news);
    }
  });
  for (std::size_t i = 0; i < kOrders; i += 3)
    desk.board.cancel(orders[i], tickets[i]);
  teller.join();
  REQUIRE(testing::eventually([&] { return desk.board.waiters() == 0; }));
  for (std::size_t i = 0; i < kOrders; ++i) {
    if (i % 3 != 0) REQUIRE(testing::eventually([&] { return ends[i] == 1; }));
    CHECK(ends[i] <= 1);
  }
}
