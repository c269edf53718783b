// The service in its loop, on a log in memory and a real database, in both dialects.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "dropline/base/random.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/coupons/coupons_queries.hpp"
#include "dropline/coupons/coupons_worker.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "scene.hpp"
#include "support/ruling_manual_clock.hpp"

using namespace dropline;
using namespace dropline::coupons;
using namespace dropline::coupons::testing;

namespace {

constexpr std::int32_t kPartitions = 4;
using Millis = std::chrono::milliseconds;

struct Town {
  explicit Town(std::size_t max_records = 2'000) {
    REQUIRE(keys.add("test", "a secret that is long enough"));
    REQUIRE(outside.admin(std::chrono::seconds(1))
                .value()
                ->ensure_topics(topic_specs(kPartitions, "")));
    producer = outside.producer([](auto) {}).value();
    worker::LoopOptions loop;
    loop.partitions = kPartitions;
    loop.max_records = max_records;
    worker = worker::Worker::start({.service = service,
                                    .database = ground.place->database(),
                                    .stream = inside,
                                    .clock = clock,
                                    .random = random,
                                    .keys = keys,
                                    .member = "a",
                                    .loop = loop})
                 .value();
  }
  template <class T>
  void say(const T& message, bool sign = true) {
    const auto out = outgoing(message);
    const auto id = std::to_string(++said) + "-x";
    auto attributes = out.attributes("ingress/a", id, clock.now());
    std::string signature;
    if (sign) signature = keys.sign(attributes, out.key, *out.body);
    attributes.signature = signature;
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer->send({out.topic, out.key, *out.body, headers.list(), std::nullopt}, 0));
  }
  void settle(int turns = 40) {
    for (int i = 0; i < turns; ++i) {
      outside.pump();
      worker->step(Millis(0));
      inside.pump();
      clock.advance(Millis(10));
    }
  }
  /// Subjects of a topic's records of a type, in log order.
  std::vector<std::string> subjects(std::string_view topic, std::string_view type) {
    auto consumer = outside.consumer().value();
    std::vector<stream::Position> from;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      from.push_back({{std::string(topic), p}, stream::Position::kStart});
    REQUIRE(consumer->assign(from));
    std::vector<std::string> out;
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(5'000, Millis(0)).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records())
        if (record.header(header::kType) == type)
          out.emplace_back(record.header(header::kSubject).value_or(""));
    }
    return out;
  }

  dropline::testing::RulingManualClock clock{kNoon};
  SeededRandom random{5};
  CommandKeys keys;
  Ground ground{clock};
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream outside{log};
  stream::MemoryStream inside{log};
  std::unique_ptr<stream::Producer> producer;
  CouponsWorker service;
  std::unique_ptr<worker::Worker> worker;
  int said = 0;
};

constexpr auto kCommands = topic::kCouponsCommands;
constexpr auto kEvents = topic::kCouponsEvents;

}  // namespace

TEST_CASE("20,000 members rush 1,000 coupons: the first 1,000 by offset have one each") {
  constexpr std::uint32_t kMembers = 20'000;
  constexpr std::size_t kCoupons = 1'000;
  Town town;
  town.say(put(1, terms(kCoupons)));
  SeededRandom random{7};
  std::vector<std::uint32_t> line;
  for (std::uint32_t of = 1; of <= kMembers; ++of) {
    line.push_back(of);
    if (of % 20 == 0) line.push_back(of);  // Some press twice.
  }
  for (std::size_t i = line.size(); i > 1; --i)
    std::swap(line[i - 1], line[random.below(i)]);
  for (const auto of : line) {
    town.say(wish(of));
    if (town.said % 4'000 == 0) town.outside.pump();
  }
  town.settle(60);
  std::vector<std::string> winners;
  std::set<std::string> seen;
  for (const auto& subject : town.subjects(kCommands, IssueCoupon::kType))
    if (winners.size() < kCoupons && seen.insert(subject).second) winners.push_back(subject);
  auto issued = town.subjects(kEvents, CouponIssued::kType);
  std::ranges::sort(issued);
  const auto [from, to] = std::ranges::unique(issued);
  issued.erase(from, to);
  std::ranges::sort(winners);
  CHECK(winners.size() == kCoupons);
  CHECK(issued == winners);
  CHECK(town.ground.number("coupons", "SELECT count(*) FROM {coupons}") == kCoupons);
  CHECK(town.ground.number("coupons", "SELECT count(DISTINCT member) FROM {coupons}") == kCoupons);
  CHECK(town.ground.number("coupons", "SELECT issued FROM {campaigns}") == kCoupons);
  CHECK(town.subjects(kEvents, CouponIssued::kType).size() +
            town.subjects(kEvents, CouponRefused::kType).size() ==
        line.size());
}

TEST_CASE("whatever the batches, the same rows and answers") {
  std::set<std::string> ends;
  for (const std::size_t batch : {1U, 2U, 7U, 2'000U}) {
    Town town(batch);
    town.say(put(1, terms(2)));
    for (std::uint32_t of = 1; of <= 3; ++of)
      town.say(wish(of));
    town.say(reserve_for(1, 1));
    town.say(reserve_for(2, 1));
    town.say(redeem_for(1, 1));
    town.say(reserve_for(3, 2));
    town.say(release_for(3, 2));
    town.say(granted(2, 3));
    town.settle(80);
    std::string end;
    for (const auto type :
         {CampaignChanged::kType, CouponIssued::kType, CouponRefused::kType, CouponReserved::kType,
          CouponDeclined::kType, CouponRedeemed::kType, CouponReleased::kType})
      end += std::string(type) + std::to_string(town.subjects(kEvents, type).size()) + ' ';
    for (std::uint32_t of = 1; of <= 2; ++of) {
      const auto owned = find_coupon(town.ground.session, coupon(of), member(of)).value();
      REQUIRE(owned.has_value());
      end += std::string(to_text(owned->coupon.state)) + ' ';
    }
    ends.insert(end);
  }
  REQUIRE(ends.size() == 1);
  CHECK(*ends.begin() ==
        "CampaignChanged1 CouponIssued2 CouponRefused2 CouponReserved2 CouponDeclined1 "
        "CouponRedeemed1 CouponReleased1 redeemed free ");
}

TEST_CASE("an unsigned wish is set aside, and the next one is served") {
  Town town;
  town.say(put(1, terms(1)));
  town.say(wish(1), false);
  town.say(wish(2));
  town.settle();
  CHECK(town.subjects(kEvents, CouponIssued::kType) == std::vector<std::string>{coupon(2).text()});
  CHECK(town.subjects("coupons.commands.dead", IssueCoupon::kType).size() == 1);
}

TEST_CASE("a member's coupons by page, newest first; another member's are not there") {
  Town town;
  for (std::uint32_t number = 1; number <= 3; ++number) {
    town.say(put(number, terms(5), number));
    town.say(wish(1, number));
    town.say(wish(2, number));
    town.settle(10);
  }
  const auto first = coupons_page(town.ground.session, member(1), std::nullopt, 2).value();
  REQUIRE(first.coupons.size() == 2);
  CHECK(first.coupons.front().coupon.campaign == campaign(3));
  CHECK(first.coupons.front().terms == terms(5));
  REQUIRE(first.next.has_value());
  const auto rest = coupons_page(town.ground.session, member(1), first.next, 2).value();
  REQUIRE(rest.coupons.size() == 1);
  CHECK(rest.coupons.front().coupon.id == coupon(1));
  CHECK_FALSE(rest.next.has_value());
  CHECK_FALSE(find_coupon(town.ground.session, coupon(1), member(2)).value().has_value());
  CHECK(campaigns_page(town.ground.session, campaign(1), 10).value().size() == 2);
  CHECK(find_campaign(town.ground.session, campaign(2)).value()->issued == 2);
  CHECK_FALSE(find_campaign(town.ground.session, campaign(9)).value().has_value());
}
