#include "dropline/crypto/ed25519.hpp"

#include <sodium.h>

#include "dropline/crypto/base64url.hpp"
#include "sodium.hpp"

namespace dropline::crypto {
namespace {

const unsigned char* raw(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::optional<Signature> parse_signature(std::string_view text) noexcept {
  Signature signature;
  if (!base64url_decode_into(text, signature)) return std::nullopt;
  return signature;
}

std::optional<PublicKey> PublicKey::parse(std::string_view text) noexcept {
  Bytes bytes;
  if (!base64url_decode_into(text, bytes)) return std::nullopt;
  return PublicKey(bytes);
}

std::string PublicKey::text() const {
  return base64url_encode(bytes_);
}

bool PublicKey::verify(std::string_view message, const Signature& signature) const noexcept {
  prepare_sodium();
  return crypto_sign_ed25519_verify_detached(signature.data(), raw(message), message.size(),
                                             bytes_.data()) == 0;
}

SecretKey SecretKey::from_seed(std::span<const std::uint8_t, kSeedBytes> seed) noexcept {
  prepare_sodium();
  SecretKey key;
  PublicKey::Bytes ignored;
  crypto_sign_ed25519_seed_keypair(ignored.data(), key.bytes_.data(), seed.data());
  return key;
}

SecretKey SecretKey::generate(Random& random) {
  Seed seed;
  random.fill(seed);
  const auto key = from_seed(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

std::optional<SecretKey> SecretKey::parse(std::string_view text) noexcept {
  Seed seed;
  if (!base64url_decode_into(text, seed)) return std::nullopt;
  const auto key = from_seed(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

SecretKey::~SecretKey() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

PublicKey SecretKey::public_key() const noexcept {
  PublicKey::Bytes bytes;
  crypto_sign_ed25519_sk_to_pk(bytes.data(), bytes_.data());
  return PublicKey(bytes);
}

Signature SecretKey::sign(std::string_view message) const noexcept {
  Signature signature;
  crypto_sign_ed25519_detached(signature.data(), nullptr, raw(message), message.size(),
                               bytes_.data());
  return signature;
}

std::string SecretKey::text() const {
  return base64url_encode(std::span(bytes_).first<kSeedBytes>());
}

}  // namespace dropline::crypto
