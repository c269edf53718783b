#include "dropline/crypto/seal.hpp"

#include <sodium.h>

#include <algorithm>

#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/errors.hpp"
#include "sodium.hpp"

namespace dropline::crypto {
namespace {

constexpr std::string_view kPrefix = "s1.";
constexpr std::string_view kDomain("dropline seal 1\0", 16);
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kOverhead = kNonceBytes + kTagBytes;

bool fit_as_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= SealKey::kMaxIdLength && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::string authenticated(std::string_view key_id, std::string_view purpose) {
  std::string data;
  data.reserve(kDomain.size() + key_id.size() + 1 + purpose.size());
  data.append(kDomain).append(key_id);
  data += '\0';
  return data.append(purpose);
}

unsigned char* raw(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::optional<SealKey> SealKey::make(std::string_view id,
                                     std::span<const std::uint8_t, kBytes> secret) {
  if (!fit_as_id(id)) return std::nullopt;
  SealKey key;
  key.id_ = id;
  std::ranges::copy(secret, key.secret_.begin());
  return key;
}

SealKey::~SealKey() {
  sodium_memzero(secret_.data(), secret_.size());
}

Result<std::string> seal(const SealKey& key, std::string_view plaintext, std::string_view purpose,
                         Random& random) {
  if (plaintext.size() > kMaxSealedPlaintext)
    return error(Errc::too_large, "at most 16384 bytes can be sealed");
  prepare_sodium();
  std::string body(kOverhead + plaintext.size(), '\0');
  random.fill({raw(body), kNonceBytes});
  const auto data = authenticated(key.id(), purpose);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw(body) + kNonceBytes, nullptr, raw(plaintext),
                                             plaintext.size(), raw(std::string_view(data)),
                                             data.size(), nullptr, raw(body), key.secret().data());
  return std::string(kPrefix) + key.id() + '.' + base64url_encode(body);
}

std::optional<std::string_view> sealed_with(std::string_view sealed) noexcept {
  if (!sealed.starts_with(kPrefix)) return std::nullopt;
  sealed.remove_prefix(kPrefix.size());
  const auto id = sealed.substr(0, sealed.find('.'));
  if (id.size() == sealed.size() || !fit_as_id(id)) return std::nullopt;
  return id;
}

Result<std::string> open(const SealKey& key, std::string_view sealed, std::string_view purpose) {
  const auto id = sealed_with(sealed);
  if (!id) return error(Errc::bad_format, "not a sealed text of version s1");
  if (*id != key.id())
    return error(Errc::unknown_key,
                 "sealed with key '" + std::string(*id) + "', not with '" + key.id() + "'");
  const auto encoded = sealed.substr(kPrefix.size() + id->size() + 1);
  if (encoded.size() > base64url_length(kMaxSealedPlaintext + kOverhead))
    return error(Errc::too_large, "the sealed text is longer than any that can be sealed");
  const auto body = base64url_decode(encoded);
  if (!body || body->size() < kOverhead)
    return error(Errc::bad_format, "the sealed text is damaged or cut short");
  prepare_sodium();
  std::string plaintext(body->size() - kOverhead, '\0');
  const auto data = authenticated(*id, purpose);
  const auto* bytes = raw(std::string_view(*body));
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          raw(plaintext), nullptr, nullptr, bytes + kNonceBytes, body->size() - kNonceBytes,
          raw(std::string_view(data)), data.size(), bytes, key.secret().data()) != 0)
    return error(Errc::not_authentic,
                 "the sealed text was altered, or sealed with another key or for another purpose");
  return plaintext;
}

}  // namespace dropline::crypto
