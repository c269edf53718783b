#include "dropline/crypto/webhook.hpp"

#include <charconv>

#include "dropline/crypto/base64url.hpp"

namespace dropline::crypto {
namespace {

constexpr std::size_t kMaxIdLength = 128;
constexpr std::size_t kMaxTimestampLength = 12;
constexpr std::size_t kMaxSignatures = 8;
constexpr std::string_view kVersion = "v1,";
constexpr std::size_t kTextLength = 44;  // of 32 bytes in base64, padding included

Digest mac_of(const HmacKey& key, const Webhook& webhook) {
  return key.mac({webhook.id, ".", webhook.timestamp, ".", webhook.body});
}

/// Base64 of RFC 4648 §4, as the form has it.
std::string to_base64(const Digest& digest) {
  auto text = base64url_encode(std::span(digest));
  for (auto& letter : text) {
    if (letter == '-') letter = '+';
    if (letter == '_') letter = '/';
  }
  text.resize(kTextLength, '=');
  return text;
}

bool from_base64(std::string_view text, Digest& digest) {
  if (text.size() != kTextLength || text.back() != '=') return false;
  std::string url(text.substr(0, kTextLength - 1));
  for (auto& letter : url) {
    if (letter == '-' || letter == '_') return false;
    if (letter == '+') letter = '-';
    if (letter == '/') letter = '_';
  }
  return base64url_decode_into(url, digest);
}

}  // namespace

std::string sign_webhook(const HmacKey& key, const Webhook& webhook) {
  return std::string(kVersion) + to_base64(mac_of(key, webhook));
}

WebhookVerdict verify_webhook(std::span<const HmacKey> keys, const Webhook& webhook,
                              std::string_view signatures, std::int64_t now) noexcept {
  std::int64_t at = 0;
  const auto& text = webhook.timestamp;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), at);
  if (webhook.id.empty() || webhook.id.size() > kMaxIdLength || text.empty() ||
      text.size() > kMaxTimestampLength || wrong != std::errc{} ||
      end != text.data() + text.size() || signatures.empty())
    return WebhookVerdict::malformed;
  if (at < now - kWebhookToleranceSeconds || at > now + kWebhookToleranceSeconds)
    return WebhookVerdict::stale;
  for (std::size_t count = 0; count < kMaxSignatures && !signatures.empty(); ++count) {
    const auto space = signatures.find(' ');
    const auto one = signatures.substr(0, space);
    signatures.remove_prefix(space == std::string_view::npos ? signatures.size() : space + 1);
    Digest told;
    if (!one.starts_with(kVersion) || !from_base64(one.substr(kVersion.size()), told)) continue;
    for (const auto& key : keys)
      if (equal(mac_of(key, webhook), told)) return WebhookVerdict::genuine;
  }
  return WebhookVerdict::forged;
}

}  // namespace dropline::crypto
