// An order's way from HTTP over the log to stock's decision and back, by API, topic and table.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/store/table.hpp"
#include "dropline/stream/partitioner.hpp"
#include "shop.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

/// Paid, and perhaps on its way already.
bool is_paid(const std::string& state) {
  return state == "paid" || state == "preparing";
}

constexpr const char* kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

}  // namespace

TEST_CASE("who waits is told the decision in the answer itself") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_payer();
  const auto reply = shop.place(member, "lone", Shop::body(drop, "unit", 2));
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  const auto answer = answer_of(reply);
  CHECK(answer.order_id == contracts::make_order_id(member, drop, "lone"));
  CHECK(is_paid(answer.state));
  CHECK(answer.total == Money{2'000, {}});
  CHECK(reply.headers.at("preference-applied") == "wait");
  CHECK(reply.headers.at("location") == "/v1/orders/" + answer.order_id.text());
  CHECK(shop.row(answer.order_id) == "reserved");

  const auto arrival = shop.receipt(reply);
  CHECK(arrival.order == answer.order_id);
  CHECK(arrival.drop == drop);
  const auto commands = shop.records_of("orders.commands", answer.order_id);
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].key == drop.text());
  CHECK(arrival.partition == commands[0].partition);
  CHECK(arrival.offset == commands[0].offset);
  const auto command = contracts::decode<contracts::PlaceOrder>(commands[0].value);
  REQUIRE(command.has_value());
  CHECK(arrival.command_hash == contracts::body_hash(*command));
}

TEST_CASE("who does not wait is given a receipt, and finds the order where it is said to be") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_payer();
  const auto reply = shop.place(member, "patient", Shop::body(drop, "unit", 1), false);
  REQUIRE_MESSAGE(reply.status == 202, reply.body);
  const auto answer = answer_of(reply);
  CHECK(answer.state == "received");
  static_cast<void>(shop.receipt(reply));
  const auto location = reply.headers.at("location");
  const RequestHeaders mine{{"Authorization", "Bearer " + shop.token(member)}};
  REQUIRE(eventually([&] {
    const auto shown = request(shop.system().port(), "GET", location, mine);
    return shown.status == 200 && is_paid(answer_of(shown).state);
  }));
  const RequestHeaders others{{"Authorization", "Bearer " + shop.token(shop.new_member())}};
  CHECK(request(shop.system().port(), "GET", location, others).status == 404);
  CHECK(request(shop.system().port(), "GET", location, {}).status == 401);
}

TEST_CASE("a retry is the same order, through any ingress; another body is a conflict") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const auto member = shop.new_payer();
  const auto body = Shop::body(drop, "unit", 1);
  const auto first = answer_of(shop.place(member, "again", body));
  REQUIRE(is_paid(first.state));
  // The unit is gone for good only when stock has heard that it is paid.
  REQUIRE(eventually([&] { return shop.units(drop) == Units{0, 1, 1}; }));

  const auto spaced = "  " + body + "\n";
  const auto other = shop.system().other_port();
  for (const auto port : {shop.system().port(), other}) {
    const auto again = answer_of(shop.place(member, "again", spaced, true, port));
    CHECK(again.order_id == first.order_id);
    CHECK(is_paid(again.state));
    CHECK(again.total == Money{1'000, {}});
    const auto conflict = shop.place(member, "again", Shop::body(drop, "unit", 2), true, port);
    CHECK(conflict.status == 422);
    CHECK(code_of(conflict) == "idempotency_conflict");
  }
  CHECK(shop.units(drop) == Units{0, 1, 1});
  CHECK(shop.balance(member) == 99'000);
}

TEST_CASE("an ingress that met the losing body first still knows whose the order is") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const auto member = shop.new_payer();
  const auto body = Shop::body(drop, "unit", 1);
  const auto first = answer_of(shop.place(member, "again", body));
  REQUIRE(is_paid(first.state));
  const auto other = shop.system().other_port();
  const auto conflict = shop.place(member, "again", Shop::body(drop, "unit", 2), true, other);
  CHECK(conflict.status == 422);
  const auto again = answer_of(shop.place(member, "again", body, true, other));
  CHECK(again.order_id == first.order_id);
  CHECK(is_paid(again.state));
}

TEST_CASE("after sell-out others are refused without a write, and who won is told of the order") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const auto winner = shop.new_payer();
  const auto body = Shop::body(drop, "unit", 1);
  const auto won = answer_of(shop.place(winner, "won", body));
  REQUIRE(is_paid(won.state));
  const auto late = shop.new_payer();
  REQUIRE(eventually([&] {
    const auto reply = shop.place(late, shop.random.uuid4().text(), body);
    return reply.status == 409 && code_of(reply) == "sold_out";
  }));
  const auto written = shop.read("orders.commands").size();
  for (int i = 0; i < 20; ++i) {
    const auto reply = shop.place(late, "late" + std::to_string(i), body);
    CHECK(reply.status == 409);
    CHECK(code_of(reply) == "sold_out");
  }
  CHECK(shop.read("orders.commands").size() == written);
  const auto again = shop.place(winner, "won", body, true, shop.system().other_port());
  CHECK(again.status == 200);
  CHECK(answer_of(again).order_id == won.order_id);
  CHECK(is_paid(answer_of(again).state));
  CHECK(shop.balance(late) == 100'000);
}

TEST_CASE("who has too little money keeps it, and the units come back for who comes next") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(2);
  const auto body = Shop::body(drop, "unit", 2);
  const auto poor = shop.new_payer(1'500);
  const auto failed = answer_of(shop.place(poor, "poor", body));
  CHECK(failed.state == "payment_failed");
  CHECK(failed.reason == "insufficient_funds");
  REQUIRE(eventually([&] { return shop.units(drop) == Units{2, 0, 0}; }));
  CHECK(shop.balance(poor) == 1'500);
  CHECK(shop.row(failed.order_id) == "released");
  const auto rich = shop.new_payer();
  CHECK(is_paid(answer_of(shop.place(rich, "rich", body)).state));
  CHECK(shop.balance(rich) == 98'000);
  REQUIRE(eventually([&] { return shop.units(drop) == Units{0, 2, 2}; }));
}

TEST_CASE("a cancelled order gives back money, units and the member's share of the limit") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const auto member = shop.new_payer();
  const auto body = Shop::body(drop, "unit", 1);
  const auto order = answer_of(shop.place(member, "first", body)).order_id;
  const auto path = "/v1/orders/" + order.text();
  CHECK(shop.post(shop.new_member(), path + "/cancellation", "c", "").status == 404);
  REQUIRE(shop.post(member, path + "/cancellation", "c", R"({"reason":"too small"})").status ==
          202);
  REQUIRE(eventually([&] {
    const auto shown = shop.get(member, path);
    return shown.status == 200 && answer_of(shown).state == "cancelled";
  }));
  const auto shown = answer_of(shop.get(member, path));
  CHECK(shown.paid == Money{1'000, {}});
  CHECK(shown.refunded == Money{1'000, {}});
  CHECK(shown.reason == "too small");
  REQUIRE(shown.timeline);
  CHECK(shown.timeline->back().actor ==
        contracts::Actor{contracts::ActorKind::member, member.text()});
  CHECK(shop.balance(member) == 100'000);
  REQUIRE(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));

  // A second cancellation changes nothing.
  REQUIRE(shop.post(member, path + "/cancellation", "again", "").status == 202);
  REQUIRE(eventually([&] {
    return std::ranges::any_of(shop.records_of("orders.events", order), [](const Kept& kept) {
      return kept.headers.at("ce_type") == "OrderChangeRefused";
    });
  }));
  CHECK(shop.balance(member) == 100'000);
  CHECK(is_paid(answer_of(shop.place(member, "second", body)).state));
}

TEST_CASE("of a rush on a hot SKU exactly those who arrived first win") {
  auto& shop = Shop::get();
  constexpr int kUnits = 100;
  constexpr int kThreads = 8;
  constexpr int kOrders = 1'000;
  const auto drop = shop.open_drop(kUnits);
  const auto body = Shop::body(drop, "unit", 1);
  struct Seen {
    OrderId order;
    std::string state;
    std::int64_t offset = -1;
  };
  std::vector<Seen> seen(kOrders);
  std::vector<std::pair<MemberId, Reply>> replies;
  for (const auto& member : shop.new_payers(kOrders, 1'000))
    replies.emplace_back(member, Reply{});
  std::atomic<int> next{0};
  std::vector<std::thread> shoppers;
  for (int t = 0; t < kThreads; ++t)
    shoppers.emplace_back([&] {
      for (int i = next++; i < kOrders; i = next++) {
        auto& [member, reply] = replies[static_cast<std::size_t>(i)];
        reply = shop.place(member, "rush", body);
      }
    });
  for (auto& shopper : shoppers)
    shopper.join();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto& reply = replies[i].second;
    if (reply.status == 409) {
      CHECK(code_of(reply) == "sold_out");
      continue;
    }
    REQUIRE_MESSAGE(reply.status == 200, reply.body);
    const auto answer = answer_of(reply);
    seen[i] = {answer.order_id, answer.state, shop.receipt(reply).offset.value_or(-1)};
  }

  // A second derivation, from the partition alone.
  std::vector<std::pair<std::int64_t, OrderId>> line;
  for (const auto& kept : shop.read("orders.commands")) {
    if (kept.key != drop.text() || kept.headers.at("ce_type") != "PlaceOrder") continue;
    line.emplace_back(kept.offset, contracts::decode<contracts::PlaceOrder>(kept.value)->order_id);
  }
  std::ranges::sort(line);
  REQUIRE(line.size() >= kUnits);
  std::set<OrderId> winners;
  for (const auto& [offset, order] : line)
    if (winners.size() < kUnits) winners.insert(order);

  for (const auto& order : seen) {
    if (order.order.nil()) continue;  // refused without a write
    CHECK(is_paid(order.state) == winners.contains(order.order));
    const auto place = std::ranges::find(line, order.order, &decltype(line)::value_type::second);
    REQUIRE(place != line.end());
    CHECK(place->first == order.offset);
  }
  auto session = shop.system().open();
  store::Params params;
  params.add("drop", drop);
  const auto rows = store::query(session,
                                 {"winners", "stock",
                                  "SELECT order_id FROM {orders} WHERE drop_id = :drop AND outcome "
                                  "= 'reserved'"},
                                 params, {store::Type::uuid});
  std::set<OrderId> in_table;
  for (const auto row : rows.value())
    in_table.insert(row.id<OrderId>(0));
  CHECK(in_table == winners);
}

TEST_CASE("bad input is told what is wrong with it, and nothing is written") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_member();
  const auto good = Shop::body(drop, "unit", 1);
  const auto bearer = "Bearer " + shop.token(member);
  const std::string json = "application/json";
  const auto with = [&](const std::string& rest) { return "{" + rest + "}"; };
  const std::string lines = R"("lines":[{"sku":"unit","quantity":1}])";
  const std::string wallet = R"("payment":{"method":"wallet"})";
  std::string deep(1'000, '[');
  deep += std::string(1'000, ']');
  const auto far = Uuid::parse("ffffffff-ffff-7fff-bfff-ffffffffffff")->text();
  struct Row {
    const char* what;
    RequestHeaders headers;
    std::string body;
    int status;
    const char* code;
  };
  const auto plain = [&](const std::string& key) {
    return RequestHeaders{
        {"Authorization", bearer}, {"Content-Type", json}, {"Idempotency-Key", key}};
  };
  auto forged = bearer;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  const std::string none =
      "Bearer eyJhbGciOiJub25lIiwia2lkIjoiZGV2In0."
      "eyJzdWIiOiIwMTkwYTBiMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ.";
  const std::vector<Row> rows{
      {"no key",
       {{"Authorization", bearer}, {"Content-Type", json}},
       good,
       400,
       "idempotency_key_missing"},
      {"empty key", plain("\"\""), good, 400, "idempotency_key_missing"},
      {"key with a space", plain("a b"), good, 400, "idempotency_key_invalid"},
      {"key too long", plain(std::string(129, 'k')), good, 400, "idempotency_key_invalid"},
      {"key twice",
       {{"Authorization", bearer},
        {"Content-Type", json},
        {"Idempotency-Key", "a"},
        {"Idempotency-Key", "b"}},
       good,
       400,
       "idempotency_key_invalid"},
      {"key of the far future", plain(far), good, 400, "idempotency_key_ahead"},
      {"no body", plain("k"), "", 400, "bad_json"},
      {"no JSON", plain("k"), "{\"lines\":", 400, "bad_json"},
      {"bad UTF-8", plain("k"), with("\"drop\":\"\xff\xfe\"," + lines + "," + wallet), 400,
       "bad_json"},
      {"an array", plain("k"), "[]", 422, "wrong_type"},
      {"deep", plain("k"), deep, 422, "too_deep"},
      {"nothing asked", plain("k"), with(wallet), 422, "missing_field"},
      {"no lines", plain("k"), with("\"lines\":[]," + wallet), 422, "out_of_range"},
      {"a field twice", plain("k"), with(lines + "," + lines + "," + wallet), 422,
       "duplicate_field"},
      {"quantity as text", plain("k"), with(R"("lines":[{"sku":"unit","quantity":"1"}],)" + wallet),
       422, "wrong_type"},
      {"half a unit", plain("k"), with(R"("lines":[{"sku":"unit","quantity":1.5}],)" + wallet), 422,
       "wrong_type"},
      {"no unit", plain("k"), with(R"("lines":[{"sku":"unit","quantity":0}],)" + wallet), 422,
       "out_of_range"},
      {"less than none", plain("k"), with(R"("lines":[{"sku":"unit","quantity":-1}],)" + wallet),
       422, "out_of_range"},
      {"too many", plain("k"),
       with(R"("lines":[{"sku":"unit","quantity":99999999999999999999999}],)" + wallet), 422,
       nullptr},
      {"a bad SKU", plain("k"), with(R"("lines":[{"sku":"a b","quantity":1}],)" + wallet), 422,
       "bad_value"},
      {"a SKU twice", plain("k"),
       with(R"("lines":[{"sku":"u","quantity":1},{"sku":"u","quantity":1}],)" + wallet), 422,
       "contradiction"},
      {"a bad drop", plain("k"), with("\"drop\":\"x\"," + lines + "," + wallet), 422, "bad_value"},
      {"a bad method", plain("k"), with(lines + R"(,"payment":{"method":"gold"})"), 422,
       "bad_value"},
      {"too large", plain("k"), std::string(200'000, ' '), 413, "content_too_large"},
      {"another type",
       {{"Authorization", bearer}, {"Content-Type", "text/plain"}, {"Idempotency-Key", "k"}},
       good,
       415,
       "unsupported_media_type"},
      {"nobody", {{"Content-Type", json}, {"Idempotency-Key", "k"}}, good, 401, "unauthorized"},
      {"a forged token",
       {{"Authorization", forged}, {"Content-Type", json}, {"Idempotency-Key", "k"}},
       good,
       401,
       "unauthorized"},
      {"a token without signature",
       {{"Authorization", none}, {"Content-Type", json}, {"Idempotency-Key", "k"}},
       good,
       401,
       "unauthorized"},
      {"an expired token",
       {{"Authorization", "Bearer " + shop.token(member, 2h)},
        {"Content-Type", json},
        {"Idempotency-Key", "k"}},
       good,
       401,
       "unauthorized"},
      {"a member claimed from an address that is no gateway",
       {{"X-Claim-UserId", member.text()}, {"Content-Type", json}, {"Idempotency-Key", "k"}},
       good,
       401,
       "unauthorized"},
  };
  const auto before = shop.read("orders.commands").size();
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto reply = request(shop.system().port(), "POST", "/v1/orders", row.headers, row.body);
    CAPTURE(reply.body);
    CHECK(reply.status == row.status);
    if (row.code) CHECK(code_of(reply) == row.code);
    const auto type = reply.headers.find("content-type");
    CHECK((type != reply.headers.end() && type->second.starts_with("application/problem+json")));
  }
  CHECK(shop.read("orders.commands").size() == before);

  const auto extra =
      with("\"later\":{\"a\":[1]},\"drop\":\"" + drop.text() + "\"," + lines + "," + wallet);
  const auto reply = shop.place(member, "extra", extra);
  CHECK_MESSAGE(reply.status == 200, reply.body);
}

TEST_CASE("a shopper's trace goes on through every hop, each naming its cause") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_payer();
  auto headers = shop.headers(member, "traced");
  headers.emplace_back("traceparent", kTrace);
  const auto reply =
      request(shop.system().port(), "POST", "/v1/orders", headers, Shop::body(drop, "unit", 1));
  REQUIRE(reply.status == 200);
  const auto order = answer_of(reply).order_id;
  const std::string trace = std::string(kTrace).substr(3, 32);
  const auto commands = shop.records_of("orders.commands", order);
  const auto events = shop.records_of("stock.events", order);
  REQUIRE(commands.size() == 1);
  REQUIRE(events.size() == 1);
  CHECK(commands[0].headers.at("traceparent").substr(3, 32) == trace);
  CHECK(events[0].headers.at("traceparent").substr(3, 32) == trace);
  CHECK(events[0].headers.at("ce_causationid") ==
        commands[0].headers.at("ce_source") + '#' + commands[0].headers.at("ce_id"));
  CHECK(events[0].key == member.text());
  const auto paid = shop.records_of("payments.events", order);
  REQUIRE(paid.size() == 1);
  CHECK(paid[0].headers.at("traceparent").substr(3, 32) == trace);
  CHECK(paid[0].headers.at("ce_causationid") ==
        events[0].headers.at("ce_source") + '#' + events[0].headers.at("ce_id"));
  REQUIRE(eventually([&] { return !shop.records_of("orders.events", order).empty(); }));
  for (const auto& step : shop.records_of("orders.events", order))
    CHECK(step.headers.at("traceparent").substr(3, 32) == trace);
}

TEST_CASE("what intruders write becomes dead letters, and the sale goes on") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto victim = shop.new_member();
  contracts::PlaceOrder order;
  order.member = victim;
  order.drop = drop;
  order.lines = {{Sku::parse("unit").value(), 1}};
  order.idempotency_key = "direct";
  order.order_id = contracts::make_order_id(victim, drop, "direct");
  order.body_hash = contracts::body_hash(order);

  auto stolen = order;  // another member's id
  stolen.member = shop.new_member();
  stolen.body_hash = contracts::body_hash(stolen);
  auto misstated = order;
  misstated.body_hash = crypto::Digest{};
  contracts::EndDrop end;
  end.change = contracts::ChangeId(shop.random.uuid4());
  end.drop = drop;
  end.reason = "mischief";
  end.actor = {contracts::ActorKind::admin, "mallory"};

  const auto topic = shop.system().topic("orders.commands");
  const auto run = shop.random.uuid4().text();
  int said = 0;
  struct Intrusion {
    std::string key;
    std::string_view type;
    std::string body;
    std::string_view signature;
    const char* reason;  ///< nullptr: it is taken
    std::optional<std::int32_t> partition = {};
  };
  const auto home = stream::partition_of(drop.text(), kPartitions);
  const std::vector<Intrusion> all{
      {drop.text(), "PlaceOrder", "{not json", {}, "bad_json"},
      {drop.text(), "PlaceOrder", "{}", {}, "missing_field"},
      {drop.text(), "PlaceOrder", contracts::encode(stolen), {}, "wrong_order_id"},
      {drop.text(), "PlaceOrder", contracts::encode(misstated), {}, "wrong_body_hash"},
      {victim.text(), "PlaceOrder", contracts::encode(order), {}, "wrong_key"},
      {drop.text(),
       "PlaceOrder",
       contracts::encode(order),
       {},
       "wrong_key",
       (home + 1) % kPartitions},
      {drop.text(), "Dance", "{}", {}, "unknown_type"},
      {drop.text(), "EndDrop", contracts::encode(end), {}, "forbidden"},
      {drop.text(), "EndDrop", contracts::encode(end),
       "h1.1.0000000000000000000000000000000000000000000000000000000000000000", "forbidden"},
      {drop.text(), "PlaceOrder", contracts::encode(order), {}, nullptr},
  };
  const auto before = shop.read("orders.commands.dead").size();
  shop.system().intrude([&](stream::Producer& producer) {
    for (const auto& one : all) {
      contracts::Attributes attributes;
      const auto id = run + '-' + std::to_string(++said);
      attributes.id = id;
      attributes.source = "integrator/9";
      attributes.type = one.type;
      attributes.signature = one.signature;
      attributes.time = SystemClock().now();
      const contracts::EnvelopeHeaders headers(attributes);
      REQUIRE(producer.send({topic, one.key, one.body, headers.list(), one.partition}, 0));
    }
  });
  REQUIRE(eventually([&] { return !shop.row(order.order_id).empty(); }));
  REQUIRE(eventually(
      [&] { return shop.read("orders.commands.dead").size() == before + all.size() - 1; }));
  std::map<std::string, std::string> reasons;
  for (const auto& kept : shop.read("orders.commands.dead"))
    for (const auto& [name, value] : kept.headers)
      if (name.find("reason") != std::string::npos) reasons[kept.headers.at("ce_id")] = value;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    const auto found = reasons.find(run + '-' + std::to_string(i + 1));
    if (all[i].reason) {
      REQUIRE(found != reasons.end());
      CHECK(found->second == all[i].reason);
    } else {
      CHECK(found == reasons.end());
    }
  }
  CHECK(shop.row(contracts::make_order_id(stolen.member, drop, "direct")).empty());
  CHECK(
      is_paid(answer_of(shop.place(shop.new_payer(), "after", Shop::body(drop, "unit", 1))).state));
}
