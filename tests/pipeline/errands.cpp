#include "errands.hpp"

#include <doctest/doctest.h>

#include "dropline/store/table.hpp"
#include "support/eventually.hpp"

namespace dropline::testing {

using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 30s;

std::string path_of(const OrderId& order) {
  return "/v1/orders/" + order.text();
}

std::string field(const std::string& json, const std::string& name) {
  const auto from = json.find('"' + name + "\":\"");
  REQUIRE_MESSAGE(from != std::string::npos, json);
  const auto begin = from + name.size() + 4;
  return json.substr(begin, json.find('"', begin) - begin);
}

void add(std::string& list, std::string_view word, char between = ' ') {
  if (!list.empty()) list += between;
  list += word;
}

}  // namespace

Money won(std::int64_t amount) {
  return {amount, {}};
}

std::string money(std::int64_t amount) {
  return R"({"amount":)" + std::to_string(amount) + R"(,"currency":"KRW"})";
}

OrderId Shopper::order(const DropId& drop, int quantity, const std::string& method,
                       const std::string& more) const {
  auto& shop = Shop::get();
  const auto body = "{" + more + R"("drop":")" + drop.text() +
                    R"(","lines":[{"sku":"unit","quantity":)" + std::to_string(quantity) +
                    R"(}],"payment":{"method":")" + method + R"("}})";
  const auto reply = shop.place(member_, shop.random.uuid4().text(), body);
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  const auto order = answer_of(reply).order_id;
  // Who waits is told by whoever knows first; ordering makes it public.
  REQUIRE(eventually([&] { return show(order).timeline.has_value(); }, kLimit));
  return order;
}

OrderId Shopper::paid(const DropId& drop, int quantity, const std::string& more) const {
  const auto order = this->order(drop, quantity, "card", more);
  wait_for(order, "awaiting_payment");
  const auto shown = show(order);
  REQUIRE(shown.reference.has_value());
  CHECK(pay(*shown.reference, shown.due->minor).status == 201);
  wait_for(order, "preparing");
  return order;
}

OrderId Shopper::delivered(const DropId& drop, int quantity, const std::string& more) const {
  const auto order = paid(drop, quantity, more);
  ship(order);
  deliver(order);
  wait_for(order, "delivered");
  return order;
}

Answer Shopper::show(const OrderId& order) const {
  return answer_of(Shop::get().get(member_, path_of(order)));
}

void Shopper::wait_for(const OrderId& order, const std::string& state) const {
  std::string last;
  const bool came = eventually([&] { return (last = show(order).state) == state; }, kLimit);
  REQUIRE_MESSAGE(came, "the order is " << last << ", not " << state);
}

std::string Shopper::undo(const OrderId& order, const char* what, const char* named,
                          const std::string& body) const {
  auto& shop = Shop::get();
  const auto reply = shop.post(member_, path_of(order) + what, shop.random.uuid4().text(), body);
  REQUIRE_MESSAGE(reply.status == 202, reply.body);
  return field(reply.body, named);
}

std::string Shopper::cancel(const OrderId& order, const std::string& body) const {
  return undo(order, "/cancellation", "change", body);
}

std::string Shopper::refund(const OrderId& order, const std::string& body) const {
  return undo(order, "/refunds", "refund", body);
}

std::int64_t Shopper::points() const {
  const auto reply = Shop::get().get(member_, "/v1/points");
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  const std::string name = "\"balance\":";
  const auto from = reply.body.find(name);
  REQUIRE_MESSAGE(from != std::string::npos, reply.body);
  return std::stoll(reply.body.substr(from + name.size()));
}

std::string why_refused(const OrderId& order, const std::string& id) {
  std::string why;
  const bool came = eventually(
      [&] {
        for (const auto& kept : Shop::get().records_of("orders.events", order)) {
          if (kept.headers.at("ce_type") != contracts::OrderChangeRefused::kType) continue;
          if (kept.value.find(id) == std::string::npos) continue;
          const auto refused = contracts::decode<contracts::OrderChangeRefused>(kept.value);
          REQUIRE(refused.has_value());
          why = contracts::to_text(refused->reason);
          return true;
        }
        return false;
      },
      kLimit);
  REQUIRE_MESSAGE(came, "nobody refused " << id);
  return why;
}

Reply pay(const std::string& reference, std::int64_t amount, const std::string& more) {
  return Town::get().gateway("/v1/payments", R"({"reference":")" + reference + R"(","amount":)" +
                                                 money(amount) + more + '}');
}

std::string transfer(std::int64_t amount, const std::string& reference, const std::string& payer) {
  auto body = R"({"amount":)" + money(amount);
  if (!reference.empty()) body += R"(,"reference":")" + reference + '"';
  if (!payer.empty()) body += R"(,"payer":)" + payer;
  const auto reply = Town::get().gateway("/v1/deposits", body + '}');
  REQUIRE_MESSAGE(reply.status == 201, reply.body);
  return field(reply.body, "transaction");
}

Reply operate(const std::string& path, const std::string& body, const std::string& method) {
  auto reply = Shop::get().admin("/v1/admin" + path, body, method);
  REQUIRE_MESSAGE(reply.status / 100 == 2, reply.status << ' ' << reply.body);
  return reply;
}

void ship(const OrderId& order, const std::string& waybill) {
  operate("/shipments/" + order.text() + "/shipping",
          R"({"carrier":"cj","waybill":")" + waybill + R"("})");
}

void deliver(const OrderId& order) {
  operate("/shipments/" + order.text() + "/delivery", "{}");
}

std::string said_of(const OrderId& order, std::string_view topic) {
  std::string out;
  for (const auto& kept : Shop::get().records_of(topic, order))
    add(out, kept.headers.at("ce_type"));
  return out;
}

std::string life_of(const OrderId& order) {
  return said_of(order, "orders.events");
}

std::string rows(std::string_view service, const std::string& sql) {
  auto session = Shop::get().system().open();
  const auto found = store::query(session, {"rows", service, sql}, {}, {store::Type::text});
  REQUIRE_MESSAGE(found.has_value(), (found ? "" : found.error().text()));
  std::string out;
  for (const auto row : *found)
    add(out, row.is_null(0) ? "-" : row.text(0), ',');
  return out;
}

std::string payment_of(const OrderId& order) {
  return rows("payments",
              "SELECT state || ' ' || CAST(captured AS text) || ' ' || CAST(refunded AS text) "
              "FROM {payments} WHERE order_id = '" +
                  order.text() + "'");
}

}  // namespace dropline::testing
