#include "dropline/deliveries/deliveries_store.hpp"

#include "dropline/deliveries/deliveries_queries.hpp"
#include "dropline/store/transaction.hpp"
#include "scene.hpp"
#include "support/service/place.hpp"

using namespace dropline;
using namespace dropline::deliveries;
using namespace dropline::deliveries::testing;

namespace {

/// A desk whose rows come from the tables and go back there with each message.
struct Office {
  template <class T>
  std::string operator()(const T& message) {
    auto transaction = store::Transaction::begin(ground.session).value();
    desk.book = load(ground.session, {{message.order_id, message.member}}).value();
    const auto answer = desk(message);
    REQUIRE(save(ground.session, desk.book));
    REQUIRE(transaction.commit());
    return answer;
  }
  [[nodiscard]] Delivery row(std::uint32_t id, std::uint32_t who) {
    return find_delivery(ground.session, order(id), member(who)).value().value();
  }

  ManualClock clock;
  Ground ground{clock, "deliveries"};
  Desk desk;
};

}  // namespace

TEST_CASE("a delivery is read as it was written, in each of its states") {
  Office office;
  auto order_paid = paid(1, 1);
  order_paid.drop = numbered<DropId>(7, 1);
  order_paid.delivery = SealedText{"s1.shop.AAAA", {1, 2, 3}};
  office(order_paid);
  CHECK(office.row(1, 1) == office.desk.row(1, 1));
  CHECK(office.row(1, 1).recipient == order_paid.delivery);
  office(ship_delivery(1, 1));
  CHECK(office.row(1, 1) == office.desk.row(1, 1));
  office(correct_waybill(1, 1));
  CHECK(office.row(1, 1) == office.desk.row(1, 1));
  office(deliver_delivery(1, 1));
  CHECK(office.row(1, 1) == office.desk.row(1, 1));
  office(close_delivery(2, 1, 0, EndCause::voided));
  CHECK(office.row(2, 1) == office.desk.row(2, 1));
  CHECK_FALSE(find_delivery(office.ground.session, order(1), member(2)).value().has_value());
}

TEST_CASE("an order is found without its member, unless it was never paid") {
  Office office;
  office(close_delivery(1, 9));
  CHECK_FALSE(find_delivery(office.ground.session, order(1)).value().has_value());
  office(paid(1, 1));
  const auto found = find_delivery(office.ground.session, order(1)).value();
  REQUIRE(found.has_value());
  CHECK(found->key.member == member(1));
}

TEST_CASE("what is to be shipped is listed by page, oldest first") {
  Office office;
  for (std::uint32_t i = 1; i <= 7; ++i)
    office(paid(i, i % 3));
  office(ship_delivery(3, 0));
  office(close_delivery(5, 2));
  std::vector<OrderId> seen;
  std::optional<Behind> behind;
  while (true) {
    const auto page =
        deliveries_page(office.ground.session, DeliveryState::preparing, behind, 2).value();
    for (const auto& delivery : page)
      seen.push_back(delivery.key.order);
    if (page.size() < 2) break;
    behind = Behind{page.back().opened_at, page.back().key.order};
  }
  CHECK(seen == std::vector{order(1), order(2), order(4), order(6), order(7)});
  CHECK(deliveries_page(office.ground.session, DeliveryState::shipped, {}, 10).value().size() == 1);
}

TEST_CASE("orders opened in the same moment are paged by their ids") {
  Office office;
  for (std::uint32_t i = 5; i >= 1; --i) {
    office.desk.at = kNewYear;
    office(paid(i, 1));
  }
  const auto first =
      deliveries_page(office.ground.session, DeliveryState::preparing, {}, 3).value();
  REQUIRE(first.size() == 3);
  const auto rest = deliveries_page(office.ground.session, DeliveryState::preparing,
                                    Behind{first[2].opened_at, first[2].key.order}, 3)
                        .value();
  REQUIRE(rest.size() == 2);
  CHECK(rest.back().key.order == order(5));
}

TEST_CASE("a courier's number finds every order in the parcel") {
  Office office;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    office(paid(i, 1));
    office(ship_delivery(i, 1, i == 3 ? "999988887777" : "689012345678"));
  }
  CHECK(under_waybill(office.ground.session, "cj", "689012345678").value().size() == 2);
  CHECK(under_waybill(office.ground.session, "lotte", "689012345678").value().empty());
}

TEST_CASE("a row that contradicts itself is not written") {
  Office office;
  Book book;
  Delivery delivery;
  delivery.key = {order(1), member(1)};
  delivery.state = DeliveryState::shipped;
  book.deliveries.emplace(delivery.key, delivery);
  book.changed.insert(delivery.key);
  CHECK_FALSE(save(office.ground.session, book).has_value());
}
