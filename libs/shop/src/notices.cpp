#include "notices.hpp"

#include "dropline/crypto/webhook.hpp"
#include "texts.hpp"

namespace dropline::shop {

std::optional<http::Problem> refusal_of_notice(const std::vector<crypto::HmacKey>& keys,
                                               const http::Request& request, Timestamp now) {
  const auto header = [&](std::string_view name) {
    return request.header(name).value_or(std::string_view());
  };
  const auto verdict = crypto::verify_webhook(
      keys, {header("webhook-id"), header("webhook-timestamp"), request.body()},
      header("webhook-signature"), unix_ms(now) / 1'000);
  const auto language = request.language();
  switch (verdict) {
    case crypto::WebhookVerdict::genuine:
      return std::nullopt;
    case crypto::WebhookVerdict::malformed:
      return http::bad_request(language,
                               "webhook-id, webhook-timestamp (seconds since 1970) and "
                               "webhook-signature (v1,<base64>) are needed");
    case crypto::WebhookVerdict::stale:
      return problem(400, "webhook_stale",
                     {"The notice was signed too long ago, or ahead of time",
                      "서명 시각이 허용 범위를 벗어났습니다"},
                     language)
          .detail("webhook-timestamp must be within " +
                  std::to_string(crypto::kWebhookToleranceSeconds) +
                  " s of the server's clock: sign again when sending again");
    case crypto::WebhookVerdict::forged:
      break;
  }
  return problem(401, "webhook_forged",
                 {"The signature is of none of the sender's secrets", "서명이 올바르지 않습니다"},
                 language)
      .detail("sign `<webhook-id>.<webhook-timestamp>.<body>`, byte for byte as it is sent");
}

}  // namespace dropline::shop
