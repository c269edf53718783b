#include <doctest/doctest.h>

#include <mutex>

#include "common/outlets.hpp"
#include "dropline/crypto/webhook.hpp"
#include "dropline/http/server.hpp"
#include "notice.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

/// Answers every POST with one status, and keeps what came.
struct Receiver {
  explicit Receiver(int status) {
    std::vector<http::ListenerOptions> listeners(1);
    listeners[0].router.add(http::Method::post, "/hook", "hook",
                            [this, status](const http::ExchangePtr& exchange) {
                              const auto& request = exchange->request();
                              const auto header = [&request](std::string_view name) {
                                return std::string(request.header(name).value_or(""));
                              };
                              id = header("webhook-id");
                              timestamp = header("webhook-timestamp");
                              signature = header("webhook-signature");
                              body = request.body();
                              exchange->respond(http::empty_response(status));
                            });
    server = http::Server::start({}, std::move(listeners)).value();
  }
  std::string id;
  std::string timestamp;
  std::string signature;
  std::string body;
  std::unique_ptr<http::Server> server;
};

Result<std::string> told(std::uint16_t port, std::string_view secret, const Clock& clock) {
  apps::WebhookTarget target({"127.0.0.1", port, "/hook"}, apps::webhook_key(secret), clock, 5s);
  return target.call(a_call());
}

}  // namespace

TEST_CASE("a notice is posted in the standard-webhooks form: id, time and signature") {
  const SystemClock clock;
  Receiver receiver(204);
  // As other platforms show a secret: its bytes in base64 behind a mark.
  REQUIRE(told(receiver.server->port(), "whsec_AAECAwQFBgcICQoLDA0ODw==", clock).has_value());
  CHECK(receiver.id == a_call().id.text());
  CHECK(receiver.body == a_call().request);
  const std::vector<crypto::HmacKey> keys{
      crypto::HmacKey(std::string_view("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
                                       "\x0e\x0f",
                                       16))};
  CHECK(crypto::verify_webhook(keys, {receiver.id, receiver.timestamp, receiver.body},
                               receiver.signature,
                               unix_ms(clock.now()) / 1'000) == crypto::WebhookVerdict::genuine);
  CHECK(crypto::verify_webhook(keys, {receiver.id, receiver.timestamp, receiver.body + ' '},
                               receiver.signature,
                               unix_ms(clock.now()) / 1'000) == crypto::WebhookVerdict::forged);
}

TEST_CASE("whatever is not taken is an error, so the notice is told again") {
  const SystemClock clock;
  for (const int status : {301, 400, 404, 410, 500, 503}) {
    CAPTURE(status);
    Receiver receiver(status);
    CHECK_FALSE(told(receiver.server->port(), "any text", clock).has_value());
  }
  std::uint16_t closed = 0;
  {
    const Receiver gone(204);
    closed = gone.server->port();
  }
  CHECK_FALSE(told(closed, "any text", clock).has_value());
}

TEST_CASE("an address is http, with a host, and a port where it names one") {
  const auto whole = apps::parse_http_url("http://hooks.example:9000/a/b?c=d");
  REQUIRE(whole.has_value());
  CHECK(whole->host == "hooks.example");
  CHECK(whole->port == 9'000);
  CHECK(whole->target == "/a/b?c=d");
  const auto bare = apps::parse_http_url("http://hooks.example");
  REQUIRE(bare.has_value());
  CHECK(bare->port == 80);
  CHECK(bare->target == "/");
  for (const char* bad :
       {"", "https://x/", "http://", "http://x:0/", "http://x:99999/", "http://x:1y/",
        "http://u@x/", "http://x/a b", "http://x/\r\nHost: y", "x"})
    CHECK_FALSE_MESSAGE(apps::parse_http_url(bad).has_value(), bad);
}
