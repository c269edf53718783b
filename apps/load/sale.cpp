#include "sale.hpp"

#include <atomic>
#include <mutex>
#include <thread>

#include "dropline/base/clock.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/contracts/json.hpp"
#include "dropline/contracts/order_id.hpp"

namespace dropline::load {
namespace {

using std::chrono::seconds;

constexpr std::size_t kFunders = 8;
constexpr seconds kPatience{120};
constexpr std::chrono::milliseconds kPause{100};

Error trouble(const std::string& what, const http::ClientResponse& said) {
  return config::error(config::Errc::usage, what + " was answered " + std::to_string(said.status) +
                                                ": " + said.body.substr(0, 500));
}

http::Client::Headers with_token(const std::string& token) {
  return {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}};
}

std::string won(const Money& money) {
  return R"({"amount":)" + std::to_string(money.minor) + R"(,"currency":")" +
         std::string(money.currency.text()) + R"("})";
}

/// A field of an object within an object, as it is written; empty where there is none.
std::string field(const std::string& body, std::string_view name, std::string_view inner = {}) {
  contracts::JsonDocument document;
  if (!document.parse(body) || !document.root().is(contracts::JsonKind::object)) return {};
  auto found = contracts::JsonObject(document.root()).find(name);
  if (found && !inner.empty())
    found = found->is(contracts::JsonKind::object) ? contracts::JsonObject(*found).find(inner)
                                                   : std::nullopt;
  return found ? std::string(found->text()) : std::string();
}

/// Asks again until `good`, for what was written takes a moment to be seen.
template <class Ask, class Good>
Status insist(const std::string& what, Ask ask, Good good) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const auto said = ask();
    if (!said) return said.error();
    if (good(*said)) return {};
    if (std::chrono::steady_clock::now() > limit) return trouble(what, *said);
    std::this_thread::sleep_for(kPause);
  }
}

/// An operator waits for the outcome: a refusal is then told.
http::Client::Headers operating(const std::string& token) {
  auto headers = with_token(token);
  headers.emplace_back("Prefer", "wait=10");
  return headers;
}

bool accepted(const http::ClientResponse& said) {
  return said.status >= 200 && said.status < 300;
}

}  // namespace

Result<Sale> Sale::open(const Plan& plan, const Mint& mint, Random& random,
                        const std::function<void(const std::string&)>& progress) {
  Sale sale(plan, random);
  for (std::int64_t drop = 0; drop < plan.drops; ++drop) {
    sale.drops_.push_back(random.uuid4());
    sale.products_.push_back(random.uuid4());
    sale.skus_.emplace_back();
  }
  // A SKU belongs to one product for ever: each sale has names of its own.
  const auto name = "LOAD-" + random.uuid4().text().substr(0, 8) + "-";
  for (std::int64_t sku = 0; sku < plan.skus; ++sku)
    sale.skus_[static_cast<std::size_t>(sku % plan.drops)].push_back(name + std::to_string(sku));
  constexpr std::int64_t kPlenty = 100'000'000;
  sale.units_ = plan.units > 0 ? plan.units : kPlenty * plan.skus;
  const auto operating = mint(MemberId(random.uuid4()), true);
  progress("a product and a drop of " + std::to_string(plan.skus) + " SKUs");
  if (auto done = sale.list_products(operating); !done) return done.error();
  if (auto done = sale.schedule_drops(operating); !done) return done.error();
  const auto& server = plan.rush.servers.front();
  const std::string tail = std::string("\r\nContent-Type: application/json\r\n") +
                           (plan.prefer_wait ? "Prefer: wait=10\r\n" : "") +
                           "Host: " + server.host + ":" + std::to_string(server.port) + "\r\n";
  for (std::int64_t member = 0; member < plan.members; ++member) {
    sale.member_ids_.emplace_back(random.uuid4());
    sale.tokens_.push_back(mint(sale.member_ids_.back(), false));
    sale.heads_.push_back("POST /v1/orders HTTP/1.1\r\nAuthorization: Bearer " +
                          sale.tokens_.back() + tail);
  }
  for (std::size_t drop = 0; drop < sale.drops_.size(); ++drop)
    for (const auto& sku : sale.skus_[drop]) {
      sale.drop_of_.emplace_back(sale.drops_[drop]);
      sale.bodies_.push_back(R"({"drop":")" + sale.drops_[drop].text() + R"(","lines":[{"sku":")" +
                             sku + R"(","quantity":1}],"payment":{"method":"wallet"}})");
    }
  if (auto done = sale.wait_open(); !done) return done.error();
  if (plan.scenario == Scenario::orders)
    if (auto done = sale.fund(progress); !done) return done.error();
  return sale;
}

std::string Sale::offers_json(std::size_t drop, bool priced) const {
  const auto share = std::max<std::int64_t>(1, units_ / plan_.skus);
  std::string out;
  for (const auto& sku : skus_[drop]) {
    if (!out.empty()) out += ',';
    out += R"({"sku":")" + sku + '"';
    if (priced)
      out += R"(,"product":")" + products_[drop].text() + R"(","price":)" + won(plan_.price) +
             R"(,"units":)" + std::to_string(share);
    else
      out += R"(,"name":{"en":")" + sku + R"("})";
    out += '}';
  }
  return "[" + out + "]";
}

Status Sale::list_products(const std::string& token) {
  http::Client operators(plan_.operators.host, plan_.operators.port);
  for (std::size_t at = 0; at < products_.size(); ++at) {
    const auto path = "/v1/admin/products/" + products_[at].text();
    const auto body = R"({"name":{"en":"Load"},"options":)" + offers_json(at, false) + "}";
    auto put = insist(
        "PUT " + path, [&] { return operators.request("PUT", path, operating(token), body); },
        accepted);
    if (!put) return put;
  }
  return {};
}

Status Sale::schedule_drops(const std::string& token) {
  http::Client operators(plan_.operators.host, plan_.operators.port);
  const auto now = SystemClock().now();
  for (std::size_t at = 0; at < drops_.size(); ++at) {
    const auto path = "/v1/admin/drops/" + drops_[at].text();
    const auto body = R"({"title":{"en":"Load"},"opens_at":")" + rfc3339(now - seconds(60)) +
                      R"(","closes_at":")" + rfc3339(now + std::chrono::hours(24)) +
                      R"(","offers":)" + offers_json(at, true) + "}";
    auto put = insist(
        "PUT " + path, [&] { return operators.request("PUT", path, operating(token), body); },
        accepted);
    if (!put) return put;
  }
  return {};
}

Status Sale::wait_open() {
  http::Client shop(plan_.rush.servers.front().host, plan_.rush.servers.front().port);
  for (const auto& drop : drops_) {
    auto seen = insist(
        "drop " + drop.text(), [&] { return shop.get("/v1/drops/" + drop.text()); },
        [](const http::ClientResponse& said) { return field(said.body, "state") == "open"; });
    if (!seen) return seen;
  }
  return {};
}

Status Sale::charge(http::Client& shop, http::Client& gateway, std::size_t member) const {
  auto headers = with_token(tokens_[member]);
  headers.emplace_back("Idempotency-Key", "load");
  auto asked = shop.post("/v1/wallet/charges", R"({"amount":)" + won(plan_.funds) + "}", headers);
  if (!asked) return asked.error();
  const auto reference = field(asked->body, "reference");
  if (!accepted(*asked) || reference.empty()) return trouble("POST /v1/wallet/charges", *asked);
  auto paid = gateway.post(
      "/v1/payments", R"({"reference":")" + reference + R"(","amount":)" + won(plan_.funds) + "}",
      {{"Content-Type", "application/json"}});
  if (!paid) return paid.error();
  return accepted(*paid) ? Status() : trouble("POST /v1/payments of the gateway", *paid);
}

Result<std::int64_t> Sale::balance(std::size_t member) {
  const auto& server = plan_.rush.servers[member % plan_.rush.servers.size()];
  http::Client shop(server.host, server.port);
  auto said = shop.get("/v1/wallet", with_token(tokens_[member]));
  if (!said) return said.error();
  if (!accepted(*said)) return trouble("GET /v1/wallet", *said);
  const auto amount = field(said->body, "balance", "amount");
  return amount.empty() ? 0 : std::stoll(amount);
}

/// Members are charged side by side; then all wait for the last one's money.
Status Sale::fund(const std::function<void(const std::string&)>& progress) {
  std::atomic<std::size_t> next{0};
  std::mutex lock;
  Status failed;
  const auto work = [&](std::size_t number) {
    const auto& server = plan_.rush.servers[number % plan_.rush.servers.size()];
    const auto& bank = plan_.gateways[number % plan_.gateways.size()];
    http::Client shop(server.host, server.port);
    http::Client gateway(bank.host, bank.port);
    for (auto at = next++; at < tokens_.size(); at = next++) {
      auto done = charge(shop, gateway, at);
      if (at % 2'000 == 0) progress(std::to_string(at) + " wallets charged");
      if (done) continue;
      const std::lock_guard guard(lock);
      failed = done;
      return;
    }
  };
  std::vector<std::thread> funders;
  for (std::size_t number = 0; number < kFunders; ++number)
    funders.emplace_back(work, number);
  for (auto& each : funders)
    each.join();
  if (!failed) return failed;
  progress("waiting for the money");
  for (std::size_t member = 0; member < tokens_.size(); ++member) {
    const auto limit = std::chrono::steady_clock::now() + kPatience;
    for (auto has = balance(member); !has || *has == 0; has = balance(member)) {
      if (std::chrono::steady_clock::now() > limit)
        return config::error(config::Errc::usage, "a charge was not credited in time");
      std::this_thread::sleep_for(kPause);
    }
  }
  return {};
}

/// Keys are UUIDv7, as our clients send them: their time becomes the order's.
void Sale::write_order(std::uint64_t arrival, std::string& out) {
  const auto at = arrival % bodies_.size();
  const auto& body = bodies_[at];
  const auto key = random_.uuid7(SystemClock().now()).text();
  orders_.push_back(contracts::make_order_id(member_ids_[member_of(arrival)], drop_of_[at], key));
  out += heads_[member_of(arrival)];
  out += "Idempotency-Key: ";
  out += key;
  out += "\r\nContent-Length: ";
  out += std::to_string(body.size());
  out += "\r\n\r\n";
  out += body;
}

}  // namespace dropline::load
