#include "dropline/crypto/sha256.hpp"

#include <sodium.h>

#include <new>

namespace dropline::crypto {
namespace {

const unsigned char* raw(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

crypto_hash_sha256_state* state_in(std::uint8_t* bytes) noexcept {
  return reinterpret_cast<crypto_hash_sha256_state*>(bytes);
}

}  // namespace

Digest sha256(std::string_view bytes) noexcept {
  Digest digest;
  crypto_hash_sha256(digest.data(), raw(bytes), bytes.size());
  return digest;
}

Sha256::Sha256() noexcept {
  static_assert(sizeof(crypto_hash_sha256_state) == kStateBytes);
  static_assert(alignof(crypto_hash_sha256_state) <= 8);
  new (state_.data()) crypto_hash_sha256_state;
  crypto_hash_sha256_init(state_in(state_.data()));
}

Sha256& Sha256::update(std::string_view bytes) noexcept {
  crypto_hash_sha256_update(state_in(state_.data()), raw(bytes), bytes.size());
  return *this;
}

Sha256& Sha256::update(std::span<const std::uint8_t> bytes) noexcept {
  crypto_hash_sha256_update(state_in(state_.data()), bytes.data(), bytes.size());
  return *this;
}

Digest Sha256::finish() noexcept {
  Digest digest;
  crypto_hash_sha256_final(state_in(state_.data()), digest.data());
  return digest;
}

}  // namespace dropline::crypto
