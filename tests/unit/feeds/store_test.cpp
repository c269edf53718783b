#include "dropline/feeds/feeds_queries.hpp"
#include "feeds_store.hpp"
#include "support/service/orders.hpp"
#include "support/service/place.hpp"

using namespace dropline;
using namespace dropline::feeds;
using namespace dropline::testing;

TEST_CASE("what was taken goes, and what follows of the same member comes next") {
  ManualClock clock;
  Ground ground(clock, "feeds");
  const auto first = event_of(paid(1, 1));
  const auto second = event_of(cancelled(1, 1));
  const auto other = event_of(paid(2, 2));
  const worker::Shard shard{3};
  const std::vector<Placed> events{{first, 5, shard}, {second, 9, shard}, {other, 6, shard}};
  REQUIRE(add(ground.session, events, kNewYear));
  REQUIRE(add(ground.session, events, kNewYear));
  const std::vector<Uuid> asked{member(1).uuid(), member(3).uuid()};
  CHECK(waiting_among(ground.session, asked).value() == std::vector{member(1)});
  const auto backlog = read_backlog(ground.session).value();
  CHECK(backlog.events == 3);
  CHECK(backlog.oldest == kNewYear);
  const auto next = take_off(ground.session, std::vector{first.id, other.id}, kNewYear).value();
  REQUIRE(next.size() == 1);
  CHECK(next.front().id == second.id);
  CHECK(next.front().shard == shard);
  CHECK(next.front().request == second.body);
  CHECK(take_off(ground.session, std::vector{second.id}, kNewYear).value().empty());
  CHECK_FALSE(read_backlog(ground.session).value().oldest.has_value());
  CHECK(read_stuck(ground.session, 5).value().empty());
}
