#include "dropline/shop/answers.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "dropline/base/random.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::shop;
using namespace std::chrono_literals;

TEST_CASE("an operator who waits in vain is told so, once, and others wait on") {
  const SystemClock clock;
  SystemRandom random;
  std::atomic<int> early{0};
  std::atomic<int> late{0};
  {
    Answers answers(clock);
    REQUIRE(answers.wait(contracts::ChangeId(random.uuid4()), clock.steady() + 1h,
                         [&](const ChangeAnswer* answer) { late += answer ? 100 : 1; }));
    REQUIRE(answers.wait(contracts::ChangeId(random.uuid4()), clock.steady() + 20ms,
                         [&](const ChangeAnswer* answer) { early += answer ? 100 : 1; }));
    REQUIRE(testing::eventually([&] { return early == 1; }));
    CHECK(late == 0);
  }
  CHECK(late == 1);
}

TEST_CASE(
    "a waiter whose command was not sent hears nothing, and no more may wait than are borne") {
  const SystemClock clock;
  SystemRandom random;
  int told = 0;
  Answers answers(clock);
  const contracts::ChangeId change(random.uuid4());
  REQUIRE(answers.wait(change, clock.steady() + 1h, [&](const ChangeAnswer*) { ++told; }));
  answers.cancel(change);
  for (std::size_t i = 0; i < Answers::kMaxWaiters; ++i)
    REQUIRE(answers.wait(contracts::ChangeId(random.uuid4()), clock.steady() + 1h,
                         [](const ChangeAnswer*) {}));
  CHECK_FALSE(answers.wait(change, clock.steady() + 1h, [&](const ChangeAnswer*) { ++told; }));
  CHECK(told == 0);
}
