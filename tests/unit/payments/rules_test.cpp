#include "scene.hpp"

using namespace dropline::payments::testing;
using dropline::Currency;
using dropline::payments::PaymentState;

namespace {
const auto kMina = member(1);
const auto kOrder = order(1);

/// A wallet with that much in it.
dropline::payments::testing::Desk desk_with(std::int64_t amount) {
  Desk desk;
  if (amount > 0)
    REQUIRE(desk(gateway_took(charge(99), kMina, won(amount))) ==
            "charged " + std::to_string(amount) + " to " + std::to_string(amount));
  return desk;
}
}  // namespace

TEST_CASE("an order is taken from the wallet or declined, to the last won") {
  struct Row {
    std::int64_t balance;
    dropline::Money total;
    const char* answer;
    std::int64_t left;
  };
  const Row rows[] = {
      {10'000, won(9'999), "captured 9999", 1},
      {10'000, won(10'000), "captured 10000", 0},
      {10'000, won(10'001), "declined insufficient_funds", 10'000},
      {0, won(1), "declined insufficient_funds", 0},
      {0, won(0), "captured 0", 0},
      {10'000, usd(0), "captured 0", 10'000},
      {10'000, usd(1), "declined wrong_currency", 10'000},
      {10'000, won(kMaxExact), "declined insufficient_funds", 10'000},
  };
  for (const auto& row : rows) {
    CAPTURE(row.total.minor);
    auto desk = desk_with(row.balance);
    CHECK(desk(reserved(kOrder, kMina, row.total)) == row.answer);
    CHECK(desk.balance(kMina) == row.left);
    check_ledger(desk.book);
    // A second copy of the fact changes and says nothing.
    CHECK(desk(reserved(kOrder, kMina, row.total)) == "nothing");
    CHECK(desk.balance(kMina) == row.left);
  }
}

TEST_CASE("an order with a coupon waits until ordering says what is left to pay") {
  auto desk = desk_with(10'000);
  auto fact = reserved(kOrder, kMina, won(9'000));
  fact.coupon = numbered<dropline::CouponId>(7, 1);
  CHECK(desk(fact) == "nothing");
  CHECK(desk.book.payments.empty());
  CHECK(desk(open_payment(kOrder, kMina, won(4'000))) == "captured 4000");
  CHECK(desk(fact) == "nothing");
  CHECK(desk.balance(kMina) == 6'000);
}

TEST_CASE("card and bank wait, and are closed without a refund") {
  for (const auto method : {PaymentMethod::card, PaymentMethod::bank}) {
    auto desk = desk_with(10'000);
    CHECK(desk(reserved(kOrder, kMina, won(9'000), method)) == "opened 9000");
    CHECK(desk.balance(kMina) == 10'000);
    CHECK(desk(refund_payment(refund_id(1), kOrder, kMina, won(1))) == "refused not_captured");
    CHECK(desk(close_payment(kOrder, kMina, EndCause::expired)) == "closed expired 0");
    CHECK(desk(reserved(kOrder, kMina, won(9'000), method)) == "nothing");
    CHECK(desk.payment(kOrder, kMina).state == PaymentState::closed);
  }
  Desk desk;
  CHECK(desk(open_payment(kOrder, kMina, won(0), PaymentMethod::card)) == "captured 0");
}

TEST_CASE("what was closed before it opened never captures") {
  for (const auto method : {PaymentMethod::wallet, PaymentMethod::card}) {
    auto desk = desk_with(10'000);
    CHECK(desk(close_payment(kOrder, kMina)) == "closed cancelled 0");
    CHECK(desk(reserved(kOrder, kMina, won(9'000), method)) == "nothing");
    CHECK(desk.balance(kMina) == 10'000);
    const auto& row = desk.payment(kOrder, kMina);
    CHECK(row.state == PaymentState::closed);
    CHECK(row.method == method);
    CHECK(row.amount == won(9'000));
    CHECK(row.captured == 0);
    CHECK(desk(close_payment(kOrder, kMina, EndCause::voided)) == "closed cancelled 0");
    CHECK(desk(refund_payment(refund_id(1), kOrder, kMina, won(1))) == "refused closed");
  }
}

TEST_CASE("closing a captured payment gives all of it back, once; an expiry finds it paid") {
  auto desk = desk_with(10'000);
  CHECK(desk(reserved(kOrder, kMina, won(9'000))) == "captured 9000");
  const auto captured_at = desk.payment(kOrder, kMina).captured_at;
  CHECK(desk(close_payment(kOrder, kMina, EndCause::expired)) == "captured 9000");
  CHECK(desk.payment(kOrder, kMina).captured_at == captured_at);
  CHECK(desk.payment(kOrder, kMina).state == PaymentState::captured);
  CHECK(desk(refund_payment(refund_id(1), kOrder, kMina, won(2'000))) == "refunded 2000 of 2000");
  CHECK(desk(close_payment(kOrder, kMina)) == "closed cancelled 9000");
  CHECK(desk.balance(kMina) == 10'000);
  CHECK(desk(close_payment(kOrder, kMina)) == "closed cancelled 9000");
  CHECK(desk(close_payment(kOrder, kMina, EndCause::expired)) == "closed cancelled 9000");
  CHECK(desk(refund_payment(refund_id(2), kOrder, kMina, won(1))) == "refused closed");
  CHECK(desk.balance(kMina) == 10'000);
  check_ledger(desk.book);
}

TEST_CASE("closing after a decline, or after all went back, is answered closed") {
  auto desk = desk_with(10'000);
  CHECK(desk(reserved(order(2), kMina, won(10'001))) == "declined insufficient_funds");
  CHECK(desk(close_payment(order(2), kMina)) == "closed payment_failed 0");
  CHECK(desk(reserved(kOrder, kMina, won(5'000))) == "captured 5000");
  CHECK(desk(refund_payment(refund_id(1), kOrder, kMina, won(5'000))) ==
        "refunded 5000 of 5000 whole");
  CHECK(desk(close_payment(kOrder, kMina, EndCause::expired)) == "closed expired 5000");
  CHECK(desk.balance(kMina) == 10'000);
}

TEST_CASE("refunds give back at most what was captured, each id once") {
  auto desk = desk_with(10'000);
  CHECK(desk(refund_payment(refund_id(9), kOrder, kMina, won(1))) == "refused unknown_order");
  CHECK(desk(reserved(kOrder, kMina, won(9'000))) == "captured 9000");
  struct Row {
    std::uint32_t id;
    dropline::Money amount;
    const char* answer;
    std::int64_t balance;
  };
  const Row rows[] = {
      {1, won(4'000), "refunded 4000 of 4000", 5'000},
      {1, won(4'000), "nothing", 5'000},
      {1, won(1'000), "nothing", 5'000},
      {2, won(5'001), "refused more_than_captured", 5'000},
      {2, won(5'000), "nothing", 5'000},  // Refused once, that id is spent.
      {3, usd(1), "refused more_than_captured", 5'000},
      {9, won(1), "nothing", 5'000},
      {4, won(0), "refunded 0 of 4000", 5'000},
      {5, won(5'000), "refunded 5000 of 9000 whole", 10'000},
      {6, won(1), "refused more_than_captured", 10'000},
  };
  for (const auto& row : rows) {
    CAPTURE(row.id);
    CHECK(desk(refund_payment(refund_id(row.id), kOrder, kMina, row.amount)) == row.answer);
    CHECK(desk.balance(kMina) == row.balance);
  }
  check_ledger(desk.book);
}

TEST_CASE("a charge is money once the gateway captured it: once, of that amount, within terms") {
  const auto one = charge(1);
  Desk desk;
  SUBCASE("asked for, then captured, then captured again") {
    CHECK(desk(charge_wallet(one, kMina, won(5'000))) == "nothing");
    CHECK(desk.balance(kMina) == 0);
    CHECK(desk(gateway_says(one, kMina, GatewayOutcome::unknown, {})) == "nothing");
    CHECK(desk(gateway_took(one, kMina, won(5'000))) == "charged 5000 to 5000");
    CHECK(desk(gateway_took(one, kMina, won(5'000))) == "nothing");
    CHECK(desk(gateway_says(one, kMina, GatewayOutcome::declined, {})) == "nothing");
    CHECK(desk(charge_wallet(one, kMina, won(7'000))) == "nothing");
    CHECK(desk.balance(kMina) == 5'000);
  }
  SUBCASE("captured before the wish was read") {
    CHECK(desk(gateway_took(one, kMina, won(5'000))) == "charged 5000 to 5000");
    CHECK(desk(charge_wallet(one, kMina, won(5'000))) == "nothing");
    CHECK(desk(gateway_took(one, kMina, won(5'000))) == "nothing");
    CHECK(desk.balance(kMina) == 5'000);
  }
  SUBCASE("declined, and then captured after all") {
    CHECK(desk(charge_wallet(one, kMina, won(5'000))) == "nothing");
    CHECK(desk(gateway_says(one, kMina, GatewayOutcome::declined, {})) ==
          "charge declined declined");
    CHECK(desk(gateway_took(one, kMina, won(5'000))) == "nothing");
    CHECK(desk.balance(kMina) == 0);
  }
  SUBCASE("of another amount, or another currency") {
    CHECK(desk(charge_wallet(one, kMina, won(5'000))) == "nothing");
    CHECK(desk(gateway_took(one, kMina, won(5'001))) == "charge declined wrong_amount");
    CHECK(desk(charge_wallet(charge(2), kMina, won(5'000))) == "nothing");
    CHECK(desk(gateway_took(charge(2), kMina, usd(5'000))) == "charge declined wrong_amount");
    CHECK(desk.balance(kMina) == 0);
  }
  SUBCASE("the terms hold for wishes and for what came without one") {
    const std::pair<dropline::Money, const char*> rows[] = {
        {won(999), "charge declined below_minimum"},
        {won(500'001), "charge declined above_maximum"},
        {usd(5'000), "charge declined wrong_currency"}};
    std::uint32_t id = 10;
    for (const auto& [amount, answer] : rows) {
      CHECK(desk(charge_wallet(charge(++id), kMina, amount)) == answer);
      CHECK(desk(gateway_took(charge(id), kMina, amount)) == "nothing");
      CHECK(desk(gateway_took(charge(++id), kMina, amount)) == answer);
    }
    CHECK(desk.balance(kMina) == 0);
    CHECK(desk(gateway_took(charge(1), kMina, won(1'000))) == "charged 1000 to 1000");
    CHECK(desk(gateway_took(charge(2), kMina, won(500'000))) == "charged 500000 to 501000");
  }
  SUBCASE("the terms of the day it was asked for are kept") {
    CHECK(desk(charge_wallet(one, kMina, won(400'000))) == "nothing");
    desk.terms.maximum_charge = won(300'000);
    CHECK(desk(gateway_took(one, kMina, won(400'000))) == "charged 400000 to 400000");
  }
  check_ledger(desk.book);
}

TEST_CASE("no sum of a wallet can leave what JSON keeps exactly") {
  Desk desk;
  desk.terms.maximum_charge = won(kMaxExact);
  CHECK(desk(gateway_took(charge(1), kMina, won(kMaxExact - 1'000))) ==
        "charged 9007199254739991 to 9007199254739991");
  CHECK(desk(reserved(kOrder, kMina, won(kMaxExact - 1'000))) == "captured 9007199254739991");
  CHECK(desk(gateway_took(charge(2), kMina, won(1'001))) == "charge declined above_maximum");
  CHECK(desk(gateway_took(charge(3), kMina, won(1'000))) == "charged 1000 to 1000");
  CHECK(desk(close_payment(kOrder, kMina)) == "closed cancelled 9007199254739991");
  CHECK(desk.balance(kMina) == kMaxExact);
  check_ledger(desk.book);
}

TEST_CASE("what names another member's order, refund or charge names nothing") {
  auto desk = desk_with(10'000);
  const auto other = member(2);
  CHECK(desk(reserved(kOrder, kMina, won(9'000))) == "captured 9000");
  CHECK(desk(close_payment(kOrder, other)) == "closed cancelled 0");
  CHECK(desk(refund_payment(refund_id(1), order(2), other, won(1))) == "refused unknown_order");
  CHECK(desk(refund_payment(refund_id(1), kOrder, kMina, won(1))) == "refunded 1 of 1");
  CHECK(desk(gateway_took(charge(99), other, won(2'000))) == "charged 2000 to 2000");
  CHECK(desk.balance(kMina) == 1'001);
  CHECK(desk.payment(kOrder, kMina).state == PaymentState::captured);
  check_ledger(desk.book);
}
