#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dropline/crypto/hmac.hpp"

/// Signatures of HTTP notices in the standard-webhooks form: headers `webhook-id`,
/// `webhook-timestamp` (seconds since 1970) and `webhook-signature`, a list of
/// "v1,<base64 of HMAC-SHA256 over id.timestamp.body>" separated by spaces, so that a sender may
/// sign with two secrets while one is being changed.
namespace dropline::crypto {

/// A notice signed longer ago, or later than now, than this is refused.
inline constexpr std::int64_t kWebhookToleranceSeconds = 300;

struct Webhook {
  std::string_view id;
  std::string_view timestamp;
  std::string_view body;
};

/// One entry of the header.
[[nodiscard]] std::string sign_webhook(const HmacKey& key, const Webhook& webhook);

enum class WebhookVerdict {
  genuine,
  malformed,  ///< a header is missing, empty, over its length or no number
  stale,      ///< outside the tolerance
  forged,     ///< none of the signatures is of one of the keys
};

/// `signatures`: the header. `now`: seconds since 1970. Takes the same time wherever a signature
/// differs.
[[nodiscard]] WebhookVerdict verify_webhook(std::span<const HmacKey> keys, const Webhook& webhook,
                                            std::string_view signatures, std::int64_t now) noexcept;

}  // namespace dropline::crypto
