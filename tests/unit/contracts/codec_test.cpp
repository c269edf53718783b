#include "dropline/contracts/codec.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;

namespace {

constexpr std::string_view kOrder =
    R"({"order_id":"0190b2a4-7b10-87dc-b413-e8279f55ee8b",)"
    R"("member":"0190b2a4-6d2c-7a10-8f3e-5a1b2c3d4e5f",)"
    R"("lines":[{"sku":"A","quantity":1},{"sku":"B","quantity":2}],)"
    R"("payment":{"method":"wallet"},)"
    R"("expected_total":{"amount":1000,"currency":"KRW"},)"
    R"("idempotency_key":"k"})";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kOrder);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// "<code>: <detail>" of what decoding says.
std::string refusal(const std::string& body) {
  const auto result = decode<PlaceOrder>(body);
  REQUIRE_FALSE(result);
  CHECK(result.error().severity() == Severity::permanent);
  return result.error().code.message() + ": " + result.error().detail;
}

}  // namespace

TEST_CASE("a command is read field by field") {
  const auto order = decode<PlaceOrder>(kOrder);
  REQUIRE(order);
  CHECK(order->order_id.text() == "0190b2a4-7b10-87dc-b413-e8279f55ee8b");
  CHECK_FALSE(order->drop);
  REQUIRE(order->lines.size() == 2);
  CHECK(order->lines[1].sku.text() == "B");
  CHECK(order->lines[1].quantity == 2);
  CHECK(order->payment.method == PaymentMethod::wallet);
  CHECK(order->expected_total == Money{1000, {}});
  CHECK(order->idempotency_key == "k");
  CHECK(encode(*order) == kOrder);
  CHECK(validate(*order));
}

TEST_CASE("unknown fields are ignored, at every level, and null is absent") {
  CHECK(decode<PlaceOrder>(
            with(R"("payment":{)", R"("new":[{"x":1.5e300}],"drop":null,"payment":{"token":{},)"))
            .value() == decode<PlaceOrder>(kOrder).value());
}

TEST_CASE("fields may come in any order") {
  CHECK(decode<PlaceOrder>(
            R"({"idempotency_key":"k","expected_total":{"currency":"KRW","amount":1000},)"
            R"("payment":{"method":"wallet"},"lines":[{"quantity":1,"sku":"A"},)"
            R"({"quantity":2,"sku":"B"}],"member":"0190B2A4-6D2C-7A10-8F3E-5A1B2C3D4E5F",)"
            R"("order_id":"0190b2a4-7b10-87dc-b413-e8279f55ee8b"})")
            .value() == decode<PlaceOrder>(kOrder).value());
}

TEST_CASE("each refusal names the field and the reason") {
  CHECK(refusal("[]") == "wrong_type: the message must be an object, not an array");
  CHECK(refusal("null") == "wrong_type: the message must be an object, not null");
  CHECK(refusal("{}") == "missing_field: /order_id is missing");
  CHECK(refusal(with(R"("quantity":2)", R"("q":2)")) ==
        "missing_field: /lines/1/quantity is missing");
  CHECK(refusal(with(R"("quantity":2)", R"("quantity":null)")) ==
        "wrong_type: /lines/1/quantity must be a number, not null");
  CHECK(refusal(with(R"("quantity":2)", R"("quantity":"2")")) ==
        "wrong_type: /lines/1/quantity must be a number, not a string");
  CHECK(refusal(with(R"("quantity":2)", R"("quantity":0)")) ==
        "out_of_range: /lines/1/quantity 0 is not in the range 1 to 1000");
  CHECK(refusal(with(R"("quantity":2)", R"("quantity":-1)")) ==
        "out_of_range: /lines/1/quantity -1 is not in the range 1 to 1000");
  CHECK(refusal(with(R"("quantity":2)", R"("quantity":4294967297)")) ==
        "out_of_range: /lines/1/quantity 4294967297 is not in the range 1 to 1000");
  CHECK(refusal(with(R"("amount":1000)", R"("amount":9223372036854775808)")) ==
        "out_of_range: /expected_total/amount '9223372036854775808' is beyond 64 bits");
  CHECK(refusal(with(R"("amount":1000)", R"("amount":9007199254740992)")) ==
        "out_of_range: /expected_total/amount 9007199254740992 is not in the range 0 to "
        "9007199254740991");
  CHECK(refusal(with(R"("amount":1000)", R"("amount":-1)")) ==
        "out_of_range: /expected_total/amount -1 is not in the range 0 to 9007199254740991");
  CHECK(refusal(with(R"("amount":1000)", R"("amount":1000.0)")) ==
        "wrong_type: /expected_total/amount must be a whole number, not '1000.0'");
  CHECK(refusal(with(R"("amount":1000)", R"("amount":1e3)")) ==
        "wrong_type: /expected_total/amount must be a whole number, not '1e3'");
  CHECK(refusal(with(R"("KRW")", R"("won")")) ==
        "bad_value: /expected_total/currency 'won' is not an ISO 4217 code");
  CHECK(refusal(with(R"("wallet")", R"("cash")")) ==
        "bad_value: /payment/method 'cash' is none of: wallet, card, bank");
  CHECK(refusal(with(R"("sku":"B")", R"("sku":"B C")")) ==
        "bad_value: /lines/1/sku 'B C' is not a SKU: 1 to 64 of A-Z a-z 0-9 . _ -");
  CHECK(refusal(with(R"("sku":"B")", R"("sku":"A")")) ==
        "contradiction: the message names the SKU A twice");
  CHECK(refusal(with(R"("idempotency_key":"k")", R"("idempotency_key":"")")) ==
        "out_of_range: /idempotency_key has 0 characters; the range is 1 to 128");
  CHECK(refusal(with(R"("lines":[{"sku":"A","quantity":1},{"sku":"B","quantity":2}])",
                     R"("lines":[])")) ==
        "out_of_range: /lines has 0 elements; the range is 1 to 50");
  CHECK(refusal(with(R"("member":"0190b2a4-6d2c-7a10-8f3e-5a1b2c3d4e5f")", R"("member":"me")")) ==
        "bad_value: /member 'me' is not a UUID");
  CHECK(refusal(with(R"("idempotency_key":"k")",
                     R"("idempotency_key":"k","delivery":{"sealed":"Seoul","digest":")" +
                         std::string(64, '0') + "\"}"))
            .starts_with("contradiction: /delivery must be a sealed text"));
}

TEST_CASE("what is long or not ASCII is quoted short and whole") {
  std::string korean;
  for (int i = 0; i < 40; ++i)
    korean += "한";
  const auto text = refusal(with(R"("wallet")", '"' + korean + '"'));
  CHECK(valid_text(text));
  CHECK(text.size() < 200);
}

TEST_CASE("numbers too large for any reader are refused like the rest") {
  CHECK(refusal(with(R"("quantity":2)", R"("quantity":1e999)")).starts_with("bad_json"));
  CHECK(refusal(with(R"("quantity":2)", "\"quantity\":" + std::string(400, '9')))
            .find("/lines/1/quantity") == std::string::npos);
  CHECK(refusal(with(R"("quantity":2)", "\"quantity\":" + std::string(100, '9')))
            .starts_with("out_of_range: /lines/1/quantity "));
}

TEST_CASE("validate() finds in a message what decode() would find in its JSON") {
  auto order = decode<PlaceOrder>(kOrder).value();
  const auto refused = [&](const std::function<void(PlaceOrder&)>& change) {
    auto changed = order;
    change(changed);
    const auto status = validate(changed);
    REQUIRE_FALSE(status);
    const auto decoded = decode<PlaceOrder>(encode(changed));
    REQUIRE_FALSE(decoded);
    if (decoded.error().code != Errc::bad_json) CHECK(decoded.error().code == status.error().code);
    return status.error().code.message() + ": " + status.error().detail;
  };
  CHECK(refused([](auto& o) { o.lines[1].quantity = 1001; }) ==
        "out_of_range: /lines/1/quantity 1001 is not in the range 1 to 1000");
  CHECK(refused([](auto& o) { o.expected_total->minor = -5; }) ==
        "out_of_range: /expected_total/amount -5 is not in the range 0 to 9007199254740991");
  CHECK(refused([](auto& o) { o.lines.clear(); }).starts_with("out_of_range: /lines"));
  CHECK(refused([](auto& o) { o.lines[1].sku = o.lines[0].sku; }).starts_with("contradiction"));
  CHECK(refused([](auto& o) { o.lines[1].sku = Sku(); }).starts_with("bad_value: /lines/1/sku"));
  CHECK(refused([](auto& o) {
          o.idempotency_key.assign(129, 'x');
        }).starts_with("out_of_range: /idempotency_key"));
  CHECK(refused([](auto& o) {
          o.idempotency_key = "\xFF";
        }).starts_with("bad_value: /idempotency_key"));
}

TEST_CASE("bounds of text count characters, not bytes") {
  PauseDrop pause;
  pause.actor = {ActorKind::admin, "kim"};
  for (int i = 0; i < 200; ++i)
    pause.reason += "한";
  CHECK(validate(pause));
  CHECK(decode<PauseDrop>(encode(pause)));
  pause.reason += "한";
  CHECK_FALSE(validate(pause));
  CHECK_FALSE(decode<PauseDrop>(encode(pause)));
}

TEST_CASE("amounts that do not add up are refused") {
  StockReserved reserved;
  reserved.lines.push_back({*Sku::parse("A"), {}, 2, {500, {}}, {1000, {}}});
  reserved.total = {1000, {}};
  CHECK(decode<StockReserved>(encode(reserved)));
  auto wrong = reserved;
  wrong.total.minor = 999;
  CHECK(decode<StockReserved>(encode(wrong)).error().code == Errc::contradiction);
  wrong = reserved;
  wrong.lines[0].amount.minor = 999;
  CHECK(decode<StockReserved>(encode(wrong)).error().code == Errc::contradiction);
  wrong = reserved;
  wrong.total.currency = *Currency::parse("USD");
  CHECK(decode<StockReserved>(encode(wrong)).error().code == Errc::contradiction);
  wrong = reserved;
  wrong.lines[0].unit_price.minor = kMaxExact;
  wrong.lines[0].quantity = 1000;
  CHECK_FALSE(decode<StockReserved>(encode(wrong)));
}

TEST_CASE("a level that does not add up is refused") {
  OfferLevel level;
  level.sku = *Sku::parse("A");
  level.version = 1;
  level.supplied = 100;
  level.free = 60;
  level.allocated = 37;
  level.settled = 30;
  level.written_off = 3;
  CHECK(decode<OfferLevel>(encode(level)));
  level.settled = 38;
  CHECK(decode<OfferLevel>(encode(level)).error().code == Errc::contradiction);
  level.settled = 0;
  level.free = 61;
  CHECK(decode<OfferLevel>(encode(level)).error().code == Errc::contradiction);
}

TEST_CASE("an envelope's type decides what is read") {
  Envelope envelope;
  envelope.type = "PlaceOrder";
  envelope.body = kOrder;
  CHECK(decode<PlaceOrder>(envelope));
  CHECK(decode<StockReserved>(envelope).error().code == Errc::unknown_type);
  const auto any = decode_any<StockReserved, PlaceOrder>(envelope);
  REQUIRE(any);
  CHECK(std::holds_alternative<PlaceOrder>(*any));
  CHECK(decode_any<StockReserved, OrderPaid>(envelope).error().code == Errc::unknown_type);
  envelope.body = "{}";
  CHECK(decode_any<StockReserved, PlaceOrder>(envelope).error().code == Errc::missing_field);
}
