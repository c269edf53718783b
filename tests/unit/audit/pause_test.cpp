#include <doctest/doctest.h>

#include "dropline/audit/watch.hpp"

using namespace dropline::audit;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kLargeShop = kSmallShop + 1;

}  // namespace

TEST_CASE("a look at a large shop takes no more than its share of a core") {
  CHECK(pause_after(300ms, kLargeShop, kBusyRecords + 1, 1s) == 19'700ms);
  CHECK(pause_after(300ms, kLargeShop, kBusyRecords - 1, 1s) == 1s);
  CHECK(pause_after(3s, kLargeShop, 0, 1s) == 9s);
}

TEST_CASE("a small shop is looked at again in seconds, however long its statements waited") {
  CHECK(pause_after(10s, kSmallShop, kBusyRecords + 1, 1s) == kSmallPause);
}

TEST_CASE("no look comes sooner than asked for") {
  CHECK(pause_after(1us, 0, 0, 1s) == 1s);
  CHECK(pause_after(10s, kSmallShop, kBusyRecords + 1, 60s) == 60s);
}
