#include "dropline/http/bearer.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/crypto/sha256.hpp"

using namespace dropline;
using namespace dropline::http;
using namespace std::chrono_literals;

namespace {

struct Keys {
  SeededRandom random{7};
  crypto::SecretKey ours = crypto::SecretKey::generate(random);
  crypto::SecretKey other = crypto::SecretKey::generate(random);
  ManualClock clock;
  MemberId member = *MemberId::parse("6f0e1d2c-3b4a-4958-8776-655443322110");

  [[nodiscard]] TokenRules rules() const {
    TokenRules rules;
    rules.issuer = "shop";
    rules.audience = "dropline";
    rules.keys.emplace("k1", ours.public_key());
    return rules;
  }
  [[nodiscard]] TokenRequest request() const {
    TokenRequest request;
    request.member = member;
    request.roles = {"admin"};
    request.issuer = "shop";
    request.audience = "dropline";
    request.key_id = "k1";
    return request;
  }
  [[nodiscard]] std::string token() const { return mint(request(), ours, clock.now()); }
  [[nodiscard]] std::string sign(std::string_view header, std::string_view claims) const {
    const auto text = crypto::base64url_encode(header) + '.' + crypto::base64url_encode(claims);
    return text + '.' + crypto::base64url_encode(crypto::bytes_of(ours.sign(text)));
  }
  [[nodiscard]] std::string claims(std::string_view more = "") const {
    const auto now = unix_ms(clock.now()) / 1000;
    return R"({"iss":"shop","aud":"dropline","sub":")" + member.text() + R"(","iat":)" +
           std::to_string(now) + R"(,"exp":)" + std::to_string(now + 60) + std::string(more) + '}';
  }
};

constexpr std::string_view kHeader = R"({"alg":"EdDSA","kid":"k1"})";

std::error_code failure(const TokenVerifier& verifier, std::string_view token) {
  const auto verified = verifier.verify(token);
  return verified ? std::error_code() : verified.error().code;
}

}  // namespace

TEST_CASE("a minted token verifies and tells its bearer") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  const auto claims = verifier.verify(keys.token());
  REQUIRE(claims.has_value());
  CHECK((*claims)->member == keys.member);
  CHECK((*claims)->has_role("admin"));
  CHECK_FALSE((*claims)->has_role("adm"));
  CHECK((*claims)->expires_at == keys.clock.now() + 1h);
  CHECK(verifier.verify(keys.sign(kHeader, keys.claims())).has_value());
  CHECK(
      verifier.verify(keys.sign(kHeader, keys.claims(R"(,"other":{"deep":[1,{}]})"))).has_value());
}

TEST_CASE("a token's time is kept, cached or not") {
  Keys keys;
  for (const std::size_t entries : {0U, 100U}) {
    auto rules = keys.rules();
    rules.cache_entries = entries;
    const TokenVerifier verifier(rules, keys.clock);
    const auto token = keys.token();
    CHECK(verifier.verify(token).has_value());
    keys.clock.advance(1h + 29s);
    CHECK(verifier.verify(token).has_value());
    keys.clock.advance(1s);
    CHECK(failure(verifier, token) == Errc::token_expired);
    CHECK(verifier.cache_stats().entries == 0);
    keys.clock.jump(-2h);
    CHECK(failure(verifier, token) == Errc::token_not_yet);
  }
}

TEST_CASE("nbf, iat and lifetime are heeded") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  const auto now = unix_ms(keys.clock.now()) / 1000;
  const auto with = [&](const std::string& more) { return keys.sign(kHeader, keys.claims(more)); };
  CHECK(failure(verifier, with(",\"nbf\":" + std::to_string(now + 31))) == Errc::token_not_yet);
  CHECK_FALSE(failure(verifier, with(",\"nbf\":" + std::to_string(now + 29))));
  CHECK(failure(verifier, mint(keys.request(), keys.ours, keys.clock.now() + 31s)) ==
        Errc::token_not_yet);
  auto endless = keys.request();
  endless.lifetime = 24h + 1s;
  CHECK(failure(verifier, mint(endless, keys.ours, keys.clock.now())) == Errc::token_malformed);
}

TEST_CASE("only EdDSA is taken: none, HS256 with the public key and other algorithms are not") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  const auto claims = crypto::base64url_encode(keys.claims());
  for (const char* alg : {"none", "None", "HS256", "ES256", "RS256", "eddsa", "Ed25519", ""}) {
    CAPTURE(alg);
    const auto header =
        crypto::base64url_encode("{\"alg\":\"" + std::string(alg) + "\",\"kid\":\"k1\"}");
    CHECK(failure(verifier, header + '.' + claims + '.') == Errc::token_algorithm);
  }
  const auto text =
      crypto::base64url_encode(std::string_view(R"({"alg":"HS256","kid":"k1"})")) + '.' + claims;
  const auto key = keys.ours.public_key();
  const auto mac = crypto::hmac_sha256(crypto::bytes_of(key.bytes()), text);
  CHECK(failure(verifier, text + '.' + crypto::base64url_encode(crypto::bytes_of(mac))) ==
        Errc::token_algorithm);
  CHECK(failure(verifier, keys.sign(R"({"kid":"k1"})", keys.claims())) == Errc::token_algorithm);
  CHECK(failure(verifier, keys.sign(R"({"alg":"EdDSA"})", keys.claims())) ==
        Errc::token_unknown_key);
  CHECK(failure(verifier, keys.sign(R"({"alg":"EdDSA","kid":"k2"})", keys.claims())) ==
        Errc::token_unknown_key);
  CHECK(failure(verifier, keys.sign(R"({"alg":"EdDSA","kid":"k1","crit":["x"],"x":1})",
                                    keys.claims())) == Errc::token_malformed);
  CHECK(failure(verifier, keys.sign(R"({"alg":"none","alg":"EdDSA","kid":"k1"})", keys.claims())) ==
        Errc::token_malformed);
}

TEST_CASE("another key's, issuer's or audience's token is refused") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  CHECK(failure(verifier, mint(keys.request(), keys.other, keys.clock.now())) ==
        Errc::token_signature);
  auto request = keys.request();
  request.issuer = "shop2";
  CHECK(failure(verifier, mint(request, keys.ours, keys.clock.now())) == Errc::token_issuer);
  request = keys.request();
  request.audience = "other";
  CHECK(failure(verifier, mint(request, keys.ours, keys.clock.now())) == Errc::token_audience);
  const auto now = std::to_string(unix_ms(keys.clock.now()) / 1000);
  const auto list = R"({"iss":"shop","aud":["x","dropline"],"sub":")" + keys.member.text() +
                    R"(","iat":)" + now + R"(,"exp":)" + now + "9}";
  CHECK(failure(verifier, keys.sign(kHeader, list)) == Errc::token_malformed);  // ages of lifetime
}

TEST_CASE("a token changed in any byte, cut anywhere or lengthened is refused") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  const auto token = keys.token();
  REQUIRE(verifier.verify(token).has_value());
  for (std::size_t i = 0; i < token.size(); ++i) {
    CAPTURE(i);
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(verifier.verify(changed).has_value());
    CHECK_FALSE(verifier.verify(token.substr(0, i)).has_value());
  }
  for (const char* more : {"A", ".", "=", " ", "\n", ".A"})
    CHECK_FALSE(verifier.verify(token + more).has_value());
  CHECK(failure(verifier, std::string(5'000, 'a')) == Errc::token_malformed);
  CHECK(failure(verifier, "") == Errc::token_malformed);
  CHECK(failure(verifier, "..") == Errc::token_malformed);
}

TEST_CASE("claims that are not strict JSON of the right types are refused") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  const auto refused = [&](const std::string& claims) {
    return failure(verifier, keys.sign(kHeader, claims)) != std::error_code();
  };
  const auto good = keys.claims();
  CHECK_FALSE(refused(good));
  CHECK(refused(keys.claims(R"(,"sub":"6f0e1d2c-3b4a-4958-8776-655443322110")")));
  CHECK(refused(keys.claims(R"(,"s\u0075b":"6f0e1d2c-3b4a-4958-8776-655443322110")")));
  CHECK(refused(keys.claims(R"(,"roles":"admin")")));
  CHECK(refused(keys.claims(R"(,"roles":["a",1])")));
  CHECK(refused(keys.claims(R"(,"roles":[["admin"]])")));
  CHECK(refused(keys.claims(R"(,"roles":{"0":"admin"})")));
  CHECK(refused(keys.claims(R"(,"nbf":"0")")));
  CHECK(refused(keys.claims(R"(,"nbf":-1)")));
  CHECK(refused(keys.claims(R"(,"nbf":1e300)")));
  CHECK(refused(keys.claims(R"(,"x":[[[[[]]]]])")));
  CHECK(refused(keys.claims(",\"x\":\"\xff\"")));
  CHECK(refused(keys.claims(R"(,"x":1,)")));
  CHECK(refused(good + " x"));
  CHECK(refused("/**/" + good));
  CHECK(refused("[" + good + "]"));
  CHECK(refused("\"text\""));
  CHECK(refused(""));
  CHECK(refused("{}"));
  std::string roles = ",\"roles\":[\"r\"";
  for (int i = 0; i < 32; ++i)
    roles += ",\"r\"";
  CHECK(refused(keys.claims(roles + "]")));
}

TEST_CASE("verified tokens are remembered, boundedly, and never a refused one") {
  Keys keys;
  auto rules = keys.rules();
  rules.cache_entries = 64;
  const TokenVerifier verifier(rules, keys.clock);
  const auto first = keys.token();
  CHECK(verifier.verify(first).has_value());
  CHECK(verifier.verify(first).has_value());
  CHECK(verifier.cache_stats().hits == 1);
  auto forged = first;
  forged.back() = forged.back() == 'A' ? 'Q' : 'A';
  CHECK_FALSE(verifier.verify(forged).has_value());
  CHECK_FALSE(verifier.verify(forged).has_value());
  CHECK(verifier.cache_stats().entries == 1);
  for (int i = 0; i < 500; ++i) {
    auto request = keys.request();
    request.token_id = std::to_string(i);
    CHECK(verifier.verify(mint(request, keys.ours, keys.clock.now())).has_value());
    CHECK(verifier.verify(first).has_value());  // in use: not the one forgotten
  }
  CHECK(verifier.cache_stats().entries <= 64);
  CHECK(verifier.cache_stats().hits == 501);
}

TEST_CASE("a verifier serves many threads") {
  Keys keys;
  const TokenVerifier verifier(keys.rules(), keys.clock);
  std::vector<std::string> tokens;
  for (int i = 0; i < 50; ++i) {
    auto request = keys.request();
    request.token_id = std::to_string(i);
    tokens.push_back(mint(request, keys.ours, keys.clock.now()));
  }
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        for (const auto& token : tokens)
          failed += verifier.verify(token) ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CHECK(failed == 0);
}
