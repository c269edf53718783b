#include <doctest/doctest.h>

#include <set>

#include "dropline/notices/notices.hpp"
#include "support/service/orders.hpp"

using namespace dropline;
using namespace dropline::notices;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

OrderPaymentDue due(std::uint32_t id, Timestamp at) {
  OrderPaymentDue out;
  out.order_id = order(id);
  out.member = member(1);
  out.version = 2;
  out.due = won(29'000);
  out.due_at = at;
  return out;
}

CouponIssued coupon(std::uint32_t id) {
  CouponIssued out;
  out.coupon = numbered<CouponId>(8, id);
  out.member = member(1);
  out.name.ko = "겨울 할인";
  out.use_until = kNewYear;
  out.at = kNewYear;
  return out;
}

}  // namespace

TEST_CASE("amounts and times are written as people write them") {
  const auto usd = [](std::int64_t amount) {
    return Money{amount, Currency::parse("USD").value()};
  };
  CHECK(written(won(0)) == "0 KRW");
  CHECK(written(won(999)) == "999 KRW");
  CHECK(written(won(1'000)) == "1,000 KRW");
  CHECK(written(won(1'234'567)) == "1,234,567 KRW");
  CHECK(written(usd(5)) == "0.05 USD");
  CHECK(written(usd(123'450)) == "1,234.50 USD");
  CHECK(seoul_time(parse_rfc3339("2026-03-01T20:05:59Z").value()) == "2026-03-02 05:05");
}

TEST_CASE("a notice speaks both languages, names order and amount, and can be sent as it is") {
  const auto notice = notice_of(paid(7, 1, {{"TEE-M", 2, 14'500}, {"CAP", 1, 1'000}}));
  CHECK(notice.kind == NoticeKind::order_paid);
  CHECK(notice.en.text.find("30,000 KRW") != std::string::npos);
  CHECK(notice.en.text.find("TEE-M and 1 more") != std::string::npos);
  CHECK(notice.ko.text.find("30,000 KRW") != std::string::npos);
  CHECK(notice.ko.text.find("TEE-M 외 1건") != std::string::npos);
  CHECK(notice.en.subject.find(order(7).text().substr(28)) != std::string::npos);
  const auto again = decode<Notice>(encode(notice));
  REQUIRE(again.has_value());
  CHECK(*again == notice);
}

TEST_CASE("the same fact makes the same notice, and every other fact another") {
  std::set<NoticeId> ids;
  const auto add = [&ids](const auto& make) {
    CHECK(make().id == make().id);
    CHECK(ids.insert(make().id).second);
    CHECK((make().id.uuid().bytes[6] >> 4) == 8);
  };
  add([] { return notice_of(paid(1, 1)); });
  add([] { return notice_of(paid(2, 1)); });
  add([] { return notice_of(cancelled(1, 1)); });
  add([] { return notice_of(step<OrderExpired>(1, 1, OrderState::expired, 3)); });
  add([] { return notice_of(step<OrderShipped>(1, 1, OrderState::shipped, 4)); });
  add([] { return notice_of(step<OrderDelivered>(1, 1, OrderState::delivered, 5)); });
  for (std::int64_t version : {6, 7})
    add([version] {
      return notice_of(refunded<OrderPartlyRefunded>(1, 1, {{}}, {{}}, 1'000, version));
    });
  add([] { return notice_of(refunded<OrderRefunded>(1, 1, {{}}, {{}}, 1'000, 8)); });
  add([] { return notice_of(due(1, kNewYear), kNewYear); });
  add([] { return notice_of(due(1, kNewYear + std::chrono::hours(1)), kNewYear); });
  add([] { return notice_of(coupon(1)); });
  add([] { return notice_of(coupon(2)); });
}

TEST_CASE("a reminder of one deadline is one notice, whenever it is read") {
  CHECK(notice_of(due(1, kNewYear), kNewYear).id ==
        notice_of(due(1, kNewYear), kNewYear + std::chrono::seconds(9)).id);
}

TEST_CASE("an order that ended unpaid is not told of money, and a name in one language does") {
  auto unpaid = cancelled(1, 1);
  unpaid.refunded = won(0);
  CHECK(notice_of(unpaid).en.text.find("went back") == std::string::npos);
  CHECK(notice_of(cancelled(1, 1)).en.text.find("1,000 KRW went back") != std::string::npos);
  CHECK(notice_of(coupon(1)).en.subject == "A coupon for you: 겨울 할인");
}
