#include "dropline/crypto/hmac.hpp"

#include <sodium.h>

#include <new>

namespace dropline::crypto {
namespace {

const unsigned char* raw(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

bool equal(const Digest& a, const Digest& b) noexcept {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

HmacKey::HmacKey(std::string_view secret) noexcept {
  static_assert(sizeof(crypto_auth_hmacsha256_state) == kStateBytes);
  static_assert(alignof(crypto_auth_hmacsha256_state) <= 8);
  auto* state = new (state_.data()) crypto_auth_hmacsha256_state;
  crypto_auth_hmacsha256_init(state, raw(secret), secret.size());
}

HmacKey::~HmacKey() {
  sodium_memzero(state_.data(), state_.size());
}

Digest HmacKey::mac(std::initializer_list<std::string_view> pieces) const noexcept {
  crypto_auth_hmacsha256_state state =
      *reinterpret_cast<const crypto_auth_hmacsha256_state*>(state_.data());
  for (const auto piece : pieces)
    crypto_auth_hmacsha256_update(&state, raw(piece), piece.size());
  Digest digest;
  crypto_auth_hmacsha256_final(&state, digest.data());
  sodium_memzero(&state, sizeof state);
  return digest;
}

bool HmacKey::verify(std::string_view message, const Digest& mac) const noexcept {
  return equal(this->mac(message), mac);
}

Digest hmac_sha256(std::string_view secret, std::string_view message) noexcept {
  return HmacKey(secret).mac(message);
}

}  // namespace dropline::crypto
