#include "dropline/crypto/ed25519.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/hex.hpp"

using namespace dropline::crypto;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> bytes(std::string_view hex) {
  const auto text = *hex_decode(hex);
  REQUIRE(text.size() == N);
  std::array<std::uint8_t, N> out;
  std::copy(text.begin(), text.end(), out.begin());
  return out;
}

struct Vector {
  const char* seed;
  const char* key;
  std::string message;
  const char* signature;
};

const Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c387b2eaeb4302aeeb00d291612bb0c00"}};

}  // namespace

TEST_CASE("Ed25519 gives RFC 8032's keys and signatures") {
  for (const auto& vector : kVectors) {
    const auto key = SecretKey::from_seed(bytes<32>(vector.seed));
    CHECK(hex_encode(key.public_key().bytes()) == vector.key);
    CHECK(hex_encode(key.sign(vector.message)) == vector.signature);
    CHECK(PublicKey(bytes<32>(vector.key)).verify(vector.message, bytes<64>(vector.signature)));
  }
}

TEST_CASE("a changed message, signature or key does not verify") {
  dropline::SeededRandom random(1);
  const auto key = SecretKey::generate(random);
  const auto other = SecretKey::generate(random);
  auto signature = key.sign("receipt");
  CHECK(key.public_key().verify("receipt", signature));
  CHECK_FALSE(key.public_key().verify("receipt ", signature));
  CHECK_FALSE(other.public_key().verify("receipt", signature));
  for (auto& byte : signature) {
    byte ^= 0x10;
    CHECK_FALSE(key.public_key().verify("receipt", signature));
    byte ^= 0x10;
  }
}

TEST_CASE("keys of small order verify nothing") {
  PublicKey::Bytes zero{};
  CHECK_FALSE(PublicKey(zero).verify("", Signature{}));
  zero[0] = 1;
  CHECK_FALSE(PublicKey(zero).verify("", Signature{}));
}

TEST_CASE("a signature whose scalar is not reduced is refused") {
  const auto key = SecretKey::from_seed(bytes<32>(kVectors[0].seed));
  auto signature = key.sign("x");
  // The group's order, little-endian, added to S gives the same point and another text.
  const auto order = bytes<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  CHECK_FALSE(key.public_key().verify("x", signature));
}

TEST_CASE("keys and signatures have a text that reads back") {
  dropline::SeededRandom random(2);
  const auto key = SecretKey::generate(random);
  const auto again = SecretKey::parse(key.text());
  REQUIRE(again);
  CHECK(again->public_key() == key.public_key());
  CHECK(PublicKey::parse(key.public_key().text()) == key.public_key());
  const auto signature = key.sign("x");
  CHECK(parse_signature(base64url_encode(signature)) == signature);
  for (const char* text : {"", "AAAA", "not a key"}) {
    CHECK_FALSE(SecretKey::parse(text));
    CHECK_FALSE(PublicKey::parse(text));
    CHECK_FALSE(parse_signature(text));
  }
}
