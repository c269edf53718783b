#include "shop.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "children.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/webhook.hpp"
#include "dropline/http/bearer.hpp"
#include "dropline/store/table.hpp"
#include "support/eventually.hpp"
#include "surroundings.hpp"

namespace dropline::testing {

using namespace std::chrono_literals;

namespace {

std::string key_text(const System& system, const char* name) {
  std::ifstream in(system.data_dir() / "keys" / name);
  std::string text;
  REQUIRE(std::getline(in, text));
  return text;
}

crypto::SecretKey secret(const System& system, const char* name) {
  return crypto::SecretKey::parse(key_text(system, name)).value();
}

/// What `fields` of a JSON object says in text; the answers here are flat enough.
std::string field(const std::string& json, const std::string& name) {
  const auto from = json.find('"' + name + "\":\"");
  REQUIRE_MESSAGE(from != std::string::npos, json);
  const auto begin = from + name.size() + 4;
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace

void wait_ready(std::uint16_t port) {
  REQUIRE(eventually([port] { return request(port, "GET", "/readyz", {}).status == 200; }, 60s));
}

Shop::Shop()
    : system_(start_system()),
      receipts_(secret(*system_, "receipts.key").public_key()),
      tokens_(secret(*system_, "tokens.key")),
      gateway_(crypto::base64url_decode(key_text(*system_, "gateway.key")).value()) {
  admin_token_ =
      output_of({program("dropline"), "token", "--data-dir", system_->data_dir().string(), "--role",
                 "admin", "--member", new_member().text()});
}

Shop& Shop::get() {
  static Shop shop;
  return shop;
}

std::string Shop::token(const MemberId& member, std::chrono::seconds age) {
  http::TokenRequest wish;
  wish.member = member;
  wish.issuer = "dropline";
  wish.audience = "dropline";
  wish.key_id = "dev";
  wish.lifetime = 1h;
  return http::mint(wish, tokens_, surroundings().clock().now() - age);
}

RequestHeaders Shop::headers(const MemberId& member, const std::string& key, bool wait) {
  RequestHeaders out{{"Authorization", "Bearer " + token(member)},
                     {"Content-Type", "application/json"},
                     {"Idempotency-Key", key}};
  if (wait) out.emplace_back("Prefer", "wait=20");
  return out;
}

std::string Shop::body(const std::optional<DropId>& drop, const std::string& sku, int quantity) {
  return "{" + (drop ? "\"drop\":\"" + drop->text() + "\"," : std::string()) +
         R"("lines":[{"sku":")" + sku + R"(","quantity":)" + std::to_string(quantity) +
         R"(}],"payment":{"method":"wallet"}})";
}

Reply Shop::place(const MemberId& member, const std::string& key, const std::string& body,
                  bool wait, std::uint16_t port) {
  return request(port ? port : system_->port(), "POST", "/v1/orders", headers(member, key, wait),
                 body);
}

Reply Shop::get(const MemberId& member, const std::string& path) {
  return request(system_->port(), "GET", path, {{"Authorization", "Bearer " + token(member)}});
}

Reply Shop::post(const MemberId& member, const std::string& path, const std::string& key,
                 const std::string& body) {
  return request(system_->port(), "POST", path, headers(member, key, false), body);
}

Reply Shop::admin(const std::string& path, const std::string& body, const std::string& method) {
  return request(
      system_->admin_port(), method, path,
      {{"Authorization", "Bearer " + admin_token_}, {"Content-Type", "application/json"}}, body);
}

Reply Shop::admin_get(const std::string& path) {
  return request(system_->admin_port(), "GET", path, {{"Authorization", "Bearer " + admin_token_}});
}

DropId Shop::open_drop(int units) {
  const DropId drop(random.uuid4());
  const auto reply =
      admin("/v1/admin/drops",
            "{\"drop\":\"" + drop.text() + R"(","offers":[{"sku":"unit","product":")" +
                random.uuid4().text() + R"(","price":{"amount":1000,"currency":"KRW"},"units":)" +
                std::to_string(units) +
                R"(}],"opens_at":"2020-01-01T00:00:00Z","closes_at":"2099-01-01T00:00:00Z"})");
  REQUIRE_MESSAGE(reply.status == 202, reply.body);
  return drop;
}

/// Asks for the money and plays the gateway that captured it.
void Shop::charge(const MemberId& member, std::int64_t amount) {
  const auto money = R"("amount":{"amount":)" + std::to_string(amount) + R"(,"currency":"KRW"})";
  const auto asked = post(member, "/v1/wallet/charges", random.uuid4().text(), '{' + money + '}');
  REQUIRE_MESSAGE(asked.status == 202, asked.body);
  const auto notice = R"({"outcome":"captured","payment":"p-1","reference":")" +
                      field(asked.body, "reference") + "\"," + money + '}';
  const auto id = "msg-" + random.uuid4().text();
  const auto seconds = std::to_string(unix_ms(surroundings().clock().now()) / 1'000);
  const auto told =
      request(system_->port(), "POST", "/v1/payments/webhook",
              {{"Content-Type", "application/json"},
               {"webhook-id", id},
               {"webhook-timestamp", seconds},
               {"webhook-signature", crypto::sign_webhook(gateway_, {id, seconds, notice})}},
              notice);
  REQUIRE_MESSAGE(told.status == 204, told.body);
}

std::vector<MemberId> Shop::new_payers(std::size_t count, std::int64_t amount) {
  std::vector<MemberId> payers;
  for (std::size_t i = 0; i < count; ++i) {
    payers.push_back(new_member());
    charge(payers.back(), amount);
  }
  for (const auto& payer : payers)
    REQUIRE(eventually([&] { return balance(payer) == amount; }));
  return payers;
}

MemberId Shop::new_payer(std::int64_t amount) {
  return new_payers(1, amount).front();
}

std::int64_t Shop::balance(const MemberId& member) {
  const auto reply = get(member, "/v1/wallet");
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  const auto from = reply.body.find("\"amount\":");
  return std::stoll(reply.body.substr(from + 9));
}

std::vector<Kept> Shop::read(std::string_view logical) {
  const auto name = system_->topic(logical);
  const auto consumer = system_->log().consumer().value();
  std::vector<stream::TopicPartition> all;
  std::vector<stream::Position> from;
  for (std::int32_t p = 0; p < kPartitions; ++p) {
    all.push_back({name, p});
    from.push_back({all.back(), stream::Position::kStart});
  }
  std::int64_t left = 0;
  for (const auto& extent : consumer->extents(all, 10s).value())
    left += extent.end - extent.start;
  REQUIRE(consumer->assign(from));
  std::vector<Kept> out;
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (static_cast<std::int64_t>(out.size()) < left && std::chrono::steady_clock::now() < end) {
    const auto batch = consumer->poll(1'000, 100ms);
    REQUIRE(batch.has_value());
    for (const auto& record : batch->records()) {
      Kept kept{record.partition,
                record.offset,
                std::string(record.key.value_or("")),
                std::string(record.value.value_or("")),
                {}};
      for (const auto& header : record.headers)
        kept.headers.emplace(header.name, header.value.value_or(""));
      out.push_back(std::move(kept));
    }
  }
  REQUIRE(static_cast<std::int64_t>(out.size()) >= left);
  return out;
}

std::vector<Kept> Shop::records_of(std::string_view logical, const OrderId& order) {
  auto all = read(logical);
  std::erase_if(all, [&order](const Kept& kept) {
    const auto found = kept.headers.find("ce_correlationid");
    return found == kept.headers.end() || found->second != order.text();
  });
  return all;
}

std::string Shop::row(const OrderId& order) {
  auto session = system_->open();
  store::Params params;
  params.add("id", order);
  const auto rows =
      store::query(session, {"row", "stock", "SELECT outcome FROM {orders} WHERE order_id = :id"},
                   params, {store::Type::text});
  REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text()));
  return rows->empty() ? "" : std::string(rows->front().text(0));
}

Units Shop::units(const DropId& drop) {
  auto session = system_->open();
  store::Params params;
  params.add("drop", drop);
  const auto rows = store::query(
      session,
      {"units", "stock", "SELECT free, allocated, settled FROM {offers} WHERE drop_id = :drop"},
      params, {store::Type::int64, store::Type::int64, store::Type::int64});
  REQUIRE(rows.has_value());
  Units sum;
  for (const auto row : *rows) {
    sum.free += row.int64(0);
    sum.allocated += row.int64(1);
    sum.settled += row.int64(2);
  }
  return sum;
}

shop::Arrival Shop::receipt(const Reply& reply) {
  const auto from = reply.body.find("\"receipt\":");
  REQUIRE_MESSAGE(from != std::string::npos, reply.body);
  const auto to = reply.body.find('}', from);
  const auto text = reply.body.substr(from + 10, to - from - 9);
  const auto arrival = shop::verify_receipt(text, receipts_);
  REQUIRE_MESSAGE(arrival.has_value(), text);
  return *arrival;
}

Answer answer_of(const Reply& reply) {
  const auto answer = contracts::decode<Answer>(reply.body);
  REQUIRE_MESSAGE(answer.has_value(), reply.status << ' ' << reply.body);
  return *answer;
}

std::string code_of(const Reply& reply) {
  const auto from = reply.body.find("\"code\":\"");
  if (from == std::string::npos) return "none: " + reply.body;
  return reply.body.substr(from + 8, reply.body.find('"', from + 8) - from - 8);
}

}  // namespace dropline::testing
