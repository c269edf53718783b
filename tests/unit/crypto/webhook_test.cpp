#include "dropline/crypto/webhook.hpp"

#include <doctest/doctest.h>

using namespace dropline::crypto;

namespace {

const HmacKey kKey("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
const HmacKey kOther("another secret of the same shop");
constexpr std::int64_t kNow = 1'614'265'330;
constexpr Webhook kHook{"msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", R"({"test": 2432232314})"};

WebhookVerdict judged(const Webhook& hook, std::string_view signatures, std::int64_t now = kNow) {
  const HmacKey keys[] = {kKey, kOther};
  return verify_webhook(keys, hook, signatures, now);
}

}  // namespace

TEST_CASE("what was signed with either secret is genuine, whatever else is in the list") {
  CHECK(judged(kHook, sign_webhook(kKey, kHook)) == WebhookVerdict::genuine);
  CHECK(judged(kHook, "v1a,xx v1,short " + sign_webhook(kOther, kHook)) == WebhookVerdict::genuine);
}

TEST_CASE("the signature is that of any other implementation") {
  // printf '%s' "$id.$timestamp.$body" | openssl dgst -sha256 -hmac "$secret" -binary | base64
  CHECK(sign_webhook(kKey, kHook) == "v1,ELhqG0Ku1gwOc1f4jyKdp3SFGFLAOdJ9bvpWLciCakI=");
}

TEST_CASE("a notice changed in any part, or signed by others, is forged") {
  const auto good = sign_webhook(kKey, kHook);
  auto hook = kHook;
  hook.body = R"({"test": 2432232315})";
  CHECK(judged(hook, good) == WebhookVerdict::forged);
  hook = kHook;
  hook.id = "msg_other";
  CHECK(judged(hook, good) == WebhookVerdict::forged);
  hook = kHook;
  hook.timestamp = "1614265331";
  CHECK(judged(hook, good) == WebhookVerdict::forged);
  CHECK(judged(kHook, sign_webhook(HmacKey("guessed"), kHook)) == WebhookVerdict::forged);
  for (std::size_t i = 3; i < good.size(); ++i) {
    auto changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(judged(kHook, changed) == WebhookVerdict::forged);
  }
}

TEST_CASE("a notice counts for five minutes, either way") {
  const auto good = sign_webhook(kKey, kHook);
  CHECK(judged(kHook, good, kNow + 300) == WebhookVerdict::genuine);
  CHECK(judged(kHook, good, kNow - 300) == WebhookVerdict::genuine);
  CHECK(judged(kHook, good, kNow + 301) == WebhookVerdict::stale);
  CHECK(judged(kHook, good, kNow - 301) == WebhookVerdict::stale);
}

TEST_CASE("headers that are missing or no numbers are malformed") {
  const auto good = sign_webhook(kKey, kHook);
  CHECK(judged({"", kHook.timestamp, kHook.body}, good) == WebhookVerdict::malformed);
  CHECK(judged({kHook.id, "", kHook.body}, good) == WebhookVerdict::malformed);
  CHECK(judged({kHook.id, "16142 5330", kHook.body}, good) == WebhookVerdict::malformed);
  CHECK(judged({kHook.id, "99999999999999999999", kHook.body}, good) == WebhookVerdict::malformed);
  CHECK(judged(kHook, "") == WebhookVerdict::malformed);
}
