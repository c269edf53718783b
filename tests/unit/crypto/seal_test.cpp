#include "dropline/crypto/seal.hpp"

#include <doctest/doctest.h>

#include "dropline/crypto/errors.hpp"

using namespace dropline;
using namespace dropline::crypto;

namespace {

constexpr std::string_view kVersion1 =
    "s1.shop.lW7rLyYy170D8WayM-PvKFKfDxNXZ1JH2klHWnSJ5N-Mk31Jsi4nWmx6Xo86";

SealKey key(std::string_view id, std::uint8_t fill = 7) {
  std::array<std::uint8_t, SealKey::kBytes> secret;
  secret.fill(fill);
  return *SealKey::make(id, secret);
}

std::error_code failure(const Result<std::string>& result) {
  return result ? std::error_code() : result.error().code;
}

}  // namespace

TEST_CASE("what is sealed is opened with the same key for the same purpose") {
  SystemRandom random;
  for (const std::string& text :
       {std::string(), std::string("서울 중구"), std::string(16384, 'x'), std::string("a\0b", 3)}) {
    const auto sealed = seal(key("shop"), text, "order 1", random);
    REQUIRE(sealed);
    CHECK(sealed->starts_with("s1.shop."));
    CHECK(sealed_with(*sealed) == "shop");
    CHECK(open(key("shop"), *sealed, "order 1").value() == text);
  }
}

TEST_CASE("sealing twice gives two texts") {
  SystemRandom random;
  CHECK(*seal(key("shop"), "x", "p", random) != *seal(key("shop"), "x", "p", random));
}

TEST_CASE("the form of version 1 stays") {
  SeededRandom random(42);
  const auto sealed = seal(key("shop"), "hello", "order 1", random);
  REQUIRE(sealed);
  CAPTURE(*sealed);
  CHECK(open(key("shop"), kVersion1, "order 1").value() == "hello");
  CHECK(*sealed == kVersion1);
}

TEST_CASE("another purpose, key or byte is noticed") {
  SystemRandom random;
  const auto sealed = *seal(key("shop"), "recipient", "order 1", random);
  CHECK(failure(open(key("shop"), sealed, "order 2")) == Errc::not_authentic);
  CHECK(failure(open(key("shop", 8), sealed, "order 1")) == Errc::not_authentic);
  CHECK(failure(open(key("other"), sealed, "order 1")) == Errc::unknown_key);
  std::string renamed = sealed;
  renamed.replace(3, 4, "mall");
  CHECK(failure(open(key("mall"), renamed, "order 1")) == Errc::not_authentic);
  for (std::size_t i = std::string("s1.shop.").size(); i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(open(key("shop"), altered, "order 1"));
  }
}

TEST_CASE("what is no sealed text is told from what was altered") {
  for (const char* text : {"", "s1", "s1.", "s1.shop", "s2.shop.AAAA", "s1..AAAA", "s1.a b.AAAA",
                           "s1.shop.AAAA", "s1.shop.!!!!", "S1.shop.AAAA"})
    CHECK(failure(open(key("shop"), text, "p")) == Errc::bad_format);
  CHECK(failure(open(key("shop"), "s1.shop." + std::string(30'000, 'A'), "p")) == Errc::too_large);
}

TEST_CASE("what is too long is not sealed") {
  SystemRandom random;
  CHECK(failure(seal(key("shop"), std::string(16385, 'x'), "p", random)) == Errc::too_large);
}

TEST_CASE("a key's id is 1 to 64 of A-Z a-z 0-9 _ -") {
  const std::array<std::uint8_t, SealKey::kBytes> secret{};
  CHECK(SealKey::make("0190b2a4-6d2c-7a10-8f3e-5a1b2c3d4e5f", secret));
  for (const std::string& id : {std::string(), std::string("a.b"), std::string(65, 'a')})
    CHECK_FALSE(SealKey::make(id, secret));
}
