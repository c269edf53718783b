#include "dropline/contracts/order_id.hpp"

#include <algorithm>

#include "dropline/crypto/sha256.hpp"

namespace dropline::contracts {
namespace {

constexpr std::string_view kDomain("dropline order 1\0", 17);
constexpr std::size_t kTimeBytes = 6;
constexpr std::size_t kMaxKeyLength = 128;

std::optional<Uuid> as_uuid7(std::string_view key) noexcept {
  const auto uuid = Uuid::parse(key);
  if (!uuid || uuid->version() != 7 || (uuid->bytes[8] & 0xC0) != 0x80) return std::nullopt;
  return uuid;
}

}  // namespace

bool valid_idempotency_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= kMaxKeyLength && std::ranges::all_of(key, [](char c) {
    return c > 0x20 && c < 0x7F && c != '"' && c != '\\';
  });
}

OrderId make_order_id(const MemberId& member, const std::optional<DropId>& drop,
                      std::string_view key) noexcept {
  crypto::Sha256 hash;
  hash.update(kDomain).update(member.uuid().bytes);
  hash.update(static_cast<std::uint8_t>(drop.has_value()));
  if (drop) hash.update(drop->uuid().bytes);
  const auto digest = hash.update(key).finish();
  Uuid id;
  auto* from = id.bytes.begin();
  if (const auto uuid = as_uuid7(key)) from = std::copy_n(uuid->bytes.begin(), kTimeBytes, from);
  std::copy_n(digest.begin(), id.bytes.end() - from, from);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return OrderId(id);
}

std::optional<Timestamp> key_time(std::string_view key) noexcept {
  const auto uuid = as_uuid7(key);
  if (!uuid) return std::nullopt;
  return from_unix_ms(static_cast<std::int64_t>(uuid->unix_ms()));
}

bool key_too_far_ahead(std::string_view key, Timestamp now) noexcept {
  const auto at = key_time(key);
  return at && *at > now + kMaxKeyAhead;
}

}  // namespace dropline::contracts
