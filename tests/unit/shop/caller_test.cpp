#include "dropline/shop/caller.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"

using namespace dropline;
using namespace dropline::shop;
using namespace std::chrono_literals;

namespace {

struct Gatekeeper {
  ManualClock clock;
  SeededRandom random{3};
  crypto::SecretKey key = crypto::SecretKey::generate(random);
  MemberId member{random.uuid4()};

  [[nodiscard]] CallerRules rules(std::vector<std::string> gateways = {}) const {
    CallerRules out;
    out.tokens.issuer = "dropline";
    out.tokens.audience = "dropline";
    out.tokens.keys.emplace("k", key.public_key());
    out.trusted_gateways = std::move(gateways);
    return out;
  }
  [[nodiscard]] std::string token(std::vector<std::string> roles = {}) const {
    http::TokenRequest wish;
    wish.member = member;
    wish.roles = std::move(roles);
    wish.issuer = "dropline";
    wish.audience = "dropline";
    wish.key_id = "k";
    wish.lifetime = 1h;
    return "Bearer " + http::mint(wish, key, clock.now());
  }
  [[nodiscard]] static http::Request from(const std::string& address,
                                          const std::vector<http::Request::Header>& headers) {
    http::Request::Parts parts;
    parts.path = "/";
    parts.client_address = address;
    for (const auto& header : headers) {
      http::Request::Parts::Span span{};
      span.name_at = static_cast<std::uint32_t>(parts.head.size());
      span.name_size = static_cast<std::uint32_t>(header.name.size());
      parts.head += header.name;
      span.value_at = static_cast<std::uint32_t>(parts.head.size());
      span.value_size = static_cast<std::uint32_t>(header.value.size());
      parts.head += header.value;
      parts.headers.push_back(span);
    }
    return http::Request(std::move(parts));
  }
  /// Who it is, "admin" in front where so; or "401".
  [[nodiscard]] std::string ask(const CallerRules& with, const std::string& address,
                                const std::vector<http::Request::Header>& headers) const {
    const Callers callers(with, clock);
    const auto who = callers.identify(from(address, headers));
    if (const auto* problem = std::get_if<http::Problem>(&who))
      return std::to_string(problem->status());
    const auto& caller = std::get<Caller>(who);
    return (caller.admin ? "admin " : "") + caller.member.text();
  }
};

}  // namespace

TEST_CASE("a good token says who it is, and which role") {
  const Gatekeeper gate;
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", gate.token()}}) ==
        gate.member.text());
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", gate.token({"admin"})}}) ==
        "admin " + gate.member.text());
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", gate.token({"Admin", "x"})}}) ==
        gate.member.text());
}

TEST_CASE("no token, a broken one, one past its time or of another shop: 401") {
  Gatekeeper gate;
  const auto good = gate.token();
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {}) == "401");
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", "Bearer"}}) == "401");
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", "Basic " + good.substr(7)}}) ==
        "401");
  auto broken = good;
  broken[broken.size() / 2] = broken[broken.size() / 2] == 'A' ? 'B' : 'A';
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", broken}}) == "401");
  auto elsewhere = gate.rules();
  elsewhere.tokens.audience = "another";
  CHECK(gate.ask(elsewhere, "10.0.0.9", {{"Authorization", good}}) == "401");
  gate.clock.advance(2h);
  CHECK(gate.ask(gate.rules(), "10.0.0.9", {{"Authorization", good}}) == "401");
}

TEST_CASE("a gateway's word for who it is counts from its address only, and never makes an admin") {
  const Gatekeeper gate;
  const auto claim = gate.member.text();
  CHECK(gate.ask(gate.rules({"10.0.0.1"}), "10.0.0.1", {{"X-Claim-UserId", claim}}) == claim);
  CHECK(gate.ask(gate.rules({"10.0.0.1"}), "10.0.0.2", {{"X-Claim-UserId", claim}}) == "401");
  CHECK(gate.ask(gate.rules(), "127.0.0.1", {{"X-Claim-UserId", claim}}) == "401");
  CHECK(gate.ask(gate.rules({"10.0.0.1"}), "10.0.0.11", {{"X-Claim-UserId", claim}}) == "401");
}

TEST_CASE("a claim that is not to be believed is refused, not passed over for a good token") {
  const Gatekeeper gate;
  const auto rules = gate.rules({"10.0.0.1"});
  const auto other = "0190a0b0-0000-7000-8000-000000000001";
  CHECK(gate.ask(rules, "10.0.0.2",
                 {{"Authorization", gate.token()}, {"X-Claim-UserId", gate.member.text()}}) ==
        "401");
  CHECK(gate.ask(rules, "10.0.0.1", {{"X-Claim-UserId", other}, {"X-Claim-UserId", other}}) ==
        "401");
  for (const char* bad : {"", "me", "00000000-0000-0000-0000-000000000000"})
    CHECK(gate.ask(rules, "10.0.0.1", {{"X-Claim-UserId", bad}}) == "401");
}
