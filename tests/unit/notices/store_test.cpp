#include "support/service/place.hpp"

using namespace dropline;
using namespace dropline::testing;

TEST_CASE("the tables of notices are made, and count what they hold") {
  ManualClock clock;
  Ground ground(clock, "notices");
  CHECK(ground.number("SELECT count(*) FROM {calls} WHERE shard = 1 AND due_at <= 5") == 0);
  CHECK(ground.number("SELECT count(*) FROM {attempts}") == 0);
}
