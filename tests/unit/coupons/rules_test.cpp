// What may be had of a campaign, by table.
#include <doctest/doctest.h>

#include "scene.hpp"

using namespace dropline;
using namespace dropline::coupons;
using namespace dropline::coupons::testing;

namespace {

/// A book of rows, and what came of each command as a word.
struct Desk {
  Book book;
  std::int64_t offset = 0;
  Timestamp at = kNoon;

  Placed placed() { return {{3, offset++}, at}; }
  template <class Command>
  std::string say(const Command& command) {
    return std::visit(
        []<class T>(const T& event) -> std::string {
          if constexpr (std::same_as<T, std::monostate>)
            return "";
          else if constexpr (requires { event.reason; } && !std::same_as<T, CampaignChanged>)
            return std::string(to_text(event.reason));
          else
            return std::string(T::kType);
        },
        answer(command));
  }
  IssueAnswer answer(const IssueCoupon& command) { return issue(book, command, placed()); }
  IssueAnswer answer(const GrantCoupon& command) { return grant(book, command, placed()); }
  ReserveAnswer answer(const ReserveCoupon& command) { return reserve(book, command, placed()); }
  template <class Command>
  ChangeAnswer answer(const Command& command) {
    return change(book, command, placed());
  }
  CouponState state(std::uint32_t of) { return book.coupons.at(coupon(of)).state; }
};

Desk open_desk(std::int64_t quantity = 3) {
  Desk desk;
  REQUIRE(desk.say(put(1, terms(quantity))) == "CampaignChanged");
  return desk;
}

}  // namespace

TEST_CASE("a coupon's id begins as its campaign's and is one for each member") {
  const auto from = *CampaignId::parse("0190b2a0-1111-7000-8000-0000000000c1");
  const auto id = make_coupon_id(from, member(1));
  CHECK(id.text().substr(0, 13) == "0190b2a0-1111");
  CHECK(id.uuid().version() == 8);
  CHECK(campaign_key(id) == campaign_key(from));
  CHECK(id != make_coupon_id(from, member(2)));
  CHECK(id !=
        make_coupon_id(*CampaignId::parse("0190b2a0-1111-7000-8000-0000000000c2"), member(1)));
}

TEST_CASE("the first by arrival have one each, and who asks again is told of the same one") {
  auto desk = open_desk(2);
  CHECK(desk.say(wish(1)) == "CouponIssued");
  CHECK(desk.say(wish(1)) == "CouponIssued");
  CHECK(desk.say(wish(2)) == "CouponIssued");
  CHECK(desk.say(wish(3)) == "sold_out");
  CHECK(desk.say(wish(1)) == "CouponIssued");
  CHECK(desk.book.campaigns.at(campaign()).issued == 2);
  CHECK(std::get<CouponIssued>(desk.answer(wish(2))).place.offset == 3);
}

TEST_CASE("issue has a window, which the log's time is held against") {
  auto desk = open_desk();
  desk.at = kNoon - std::chrono::microseconds(1);
  CHECK(desk.say(wish(1)) == "not_open");
  desk.at = kNoon + std::chrono::hours(1);
  CHECK(desk.say(wish(1)) == "issue_ended");
  desk.at = kNoon;
  CHECK(desk.say(wish(1)) == "CouponIssued");
  CHECK(desk.say(wish(1, 2)) == "unknown_campaign");
}

TEST_CASE("a campaign is paused, resumed and ended; coupons that are out stay good") {
  auto desk = open_desk();
  CHECK(desk.say(switched<ResumeCampaign>(2)) == "not_paused");
  CHECK(desk.say(wish(1)) == "CouponIssued");
  CHECK(desk.say(switched<PauseCampaign>(3)) == "CampaignChanged");
  CHECK(desk.say(switched<PauseCampaign>(4)) == "already_paused");
  CHECK(desk.say(wish(2)) == "paused");
  CHECK(desk.say(granted(5, 2)) == "CouponIssued");
  CHECK(desk.say(switched<ResumeCampaign>(6)) == "CampaignChanged");
  CHECK(desk.say(switched<EndCampaign>(7)) == "CampaignChanged");
  CHECK(desk.say(wish(3)) == "issue_ended");
  CHECK(desk.say(granted(8, 3)) == "issue_ended");
  CHECK(desk.say(put(9, terms())) == "already_ended");
  CHECK(desk.say(switched<PauseCampaign>(10)) == "already_ended");
  CHECK(desk.say(switched<EndCampaign>(11, 2)) == "unknown_campaign");
  CHECK(desk.say(reserve_for(1, 1)) == "CouponReserved");
}

TEST_CASE("an operator grants outside the window, out of the same quantity, once a change") {
  auto desk = open_desk(1);
  desk.at = kNoon - std::chrono::hours(1);
  CHECK(desk.say(granted(2, 1)) == "CouponIssued");
  CHECK(desk.say(granted(2, 1)).empty());
  CHECK(desk.say(granted(3, 1)) == "CouponIssued");
  CHECK(desk.say(granted(4, 2)) == "sold_out");
  CHECK(desk.book.coupons.at(coupon(1)).granted_by == kAnn);
}

TEST_CASE("what coupons promise stays once one is out") {
  auto desk = open_desk();
  auto other = terms();
  other.discount.amount = won(1);
  CHECK(desk.say(put(2, other)) == "CampaignChanged");
  CHECK(desk.say(put(2, terms())).empty());
  CHECK(desk.say(wish(1)) == "CouponIssued");
  CHECK(desk.say(wish(2)) == "CouponIssued");
  CHECK(desk.say(put(3, terms())) == "terms_fixed");
  other.quantity = 1;
  CHECK(desk.say(put(4, other)) == "below_issued");
  other.quantity = 2;
  other.use_until += std::chrono::hours(1);
  CHECK(desk.say(put(5, other)) == "CampaignChanged");
  other.use_until -= std::chrono::hours(1);
  CHECK(desk.say(put(6, other)) == "terms_fixed");
}

TEST_CASE("a coupon is held for one order, used, and given back") {
  auto desk = open_desk();
  REQUIRE(desk.say(wish(1)) == "CouponIssued");
  CHECK(std::get<CouponReserved>(desk.answer(reserve_for(1, 1))).discount == won(5'000));
  CHECK(desk.say(reserve_for(1, 1)) == "CouponReserved");
  CHECK(desk.say(reserve_for(2, 1)) == "in_use");
  CHECK(redeem(desk.book, redeem_for(2, 1), desk.placed()) == std::nullopt);
  CHECK(redeem(desk.book, redeem_for(1, 1), desk.placed())->discount == won(5'000));
  CHECK(redeem(desk.book, redeem_for(1, 1), desk.placed()) == std::nullopt);
  CHECK(desk.say(reserve_for(3, 1)) == "used");
  CHECK(desk.state(1) == CouponState::redeemed);
  CHECK(release(desk.book, release_for(2, 1), desk.placed()) == std::nullopt);
  CHECK(desk.state(1) == CouponState::redeemed);
  CHECK(release(desk.book, release_for(1, 1), desk.placed()).has_value());
  CHECK(release(desk.book, release_for(1, 1), desk.placed()) == std::nullopt);
  CHECK(desk.state(1) == CouponState::free);
  // What an order was told once, it is told again; another may have it.
  CHECK(desk.say(reserve_for(1, 1)) == "order_ended");
  CHECK(desk.say(reserve_for(2, 1)) == "in_use");
  CHECK(desk.say(reserve_for(4, 1)) == "CouponReserved");
}

TEST_CASE("given back before it was held: the order cannot have it any more") {
  auto desk = open_desk();
  REQUIRE(desk.say(wish(1)) == "CouponIssued");
  CHECK(release(desk.book, release_for(1, 1), desk.placed()) == std::nullopt);
  CHECK(desk.say(reserve_for(1, 1)) == "order_ended");
  CHECK(desk.state(1) == CouponState::free);
}

TEST_CASE("who asks for another's coupon learns no more than of one that is not there") {
  auto desk = open_desk();
  REQUIRE(desk.say(wish(1)) == "CouponIssued");
  auto theirs = reserve_for(1, 1);
  theirs.member = member(2);
  CHECK(desk.say(theirs) == "unknown_coupon");
  CHECK(desk.say(reserve_for(2, 3)) == "unknown_coupon");
  CHECK(desk.state(1) == CouponState::free);
  // Nor can the order of another take it back.
  REQUIRE(desk.say(reserve_for(3, 1)) == "CouponReserved");
  auto foreign = release_for(3, 1);
  foreign.member = member(2);
  CHECK(release(desk.book, foreign, desk.placed()) == std::nullopt);
  CHECK(desk.state(1) == CouponState::reserved);
}

TEST_CASE("a coupon is good for orders placed in its window, of enough, in its currency") {
  auto desk = open_desk(10);
  for (std::uint32_t of = 1; of <= 6; ++of)
    REQUIRE(desk.say(wish(of)) == "CouponIssued");
  CHECK(desk.say(reserve_for(1, 1, 9'999)) == "below_least_order");
  CHECK(desk.say(reserve_for(2, 2, 10'000)) == "CouponReserved");
  auto early = reserve_for(3, 3);
  early.placed_at = kNoon - std::chrono::microseconds(1);
  CHECK(desk.say(early) == "not_yet_valid");
  auto late = reserve_for(4, 4);
  late.placed_at = kNoon + std::chrono::hours(1);
  CHECK(desk.say(late) == "no_longer_valid");
  auto last = reserve_for(5, 5);
  last.placed_at = late.placed_at - std::chrono::microseconds(1);
  CHECK(desk.say(last) == "CouponReserved");
  auto dollars = reserve_for(6, 6);
  dollars.total.currency = Currency::parse("USD").value();
  CHECK(desk.say(dollars) == "wrong_currency");
}

TEST_CASE("a discount is rounded down, capped, and never more than the total") {
  Discount amount;
  amount.amount = won(5'000);
  CHECK(discount_of(amount, won(20'000)) == won(5'000));
  CHECK(discount_of(amount, won(4'999)) == won(4'999));
  Discount part;
  part.percent = 15;
  CHECK(discount_of(part, won(99)) == won(14));
  CHECK(discount_of(part, won(29'900)) == won(4'485));
  part.cap = won(4'000);
  CHECK(discount_of(part, won(29'900)) == won(4'000));
  part.cap.reset();
  part.percent = 100;
  CHECK(discount_of(part, won(kMaxExact)) == won(kMaxExact));
  part.percent = 99;
  CHECK(discount_of(part, won(kMaxExact)).minor == 8'917'127'262'193'581);
}
