#include "gateway.hpp"

#include "dropline/crypto/webhook.hpp"
#include "dropline/http/client.hpp"
#include "dropline/http/problem.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::sandbox {
namespace {

const log::Logger kLog("gateway");
constexpr std::chrono::milliseconds kRetry{1'000};
constexpr std::chrono::milliseconds kCallLimit{5'000};

/// What whoever plays the payer asks for.
struct PaymentRequest {
  std::string reference;
  Money amount;
  std::optional<Outcome> outcome;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reference", self.reference, contracts::Bounds{1, 200});
    visit("amount", self.amount);
    visit("outcome", self.outcome);
  }
};

}  // namespace

Gateway::Gateway(Parts parts) : parts_(std::move(parts)), courier_([this] { deliver(); }) {}

Gateway::~Gateway() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  work_.notify_all();
  courier_.join();
}

void Gateway::add_routes(http::Router& router) {
  router.add(http::Method::post, "/v1/payments", "payments.pay",
             [this](const http::ExchangePtr& exchange) { pay(exchange); });
  router.add(http::Method::get, "/v1/payments/{id}", "payments.show",
             [this](const http::ExchangePtr& exchange) { show(exchange); });
}

void Gateway::pay(const http::ExchangePtr& exchange) {
  const auto language = exchange->request().language();
  const auto asked = contracts::decode<PaymentRequest>(exchange->request().body());
  if (!asked) {
    exchange->respond(http::unprocessable(language, asked.error().detail).response());
    return;
  }
  Payment payment{"pay-" + parts_.random.uuid7(parts_.clock.now()).text(), asked->reference,
                  asked->amount, asked->outcome.value_or(Outcome::captured), std::nullopt};
  if (payment.outcome == Outcome::declined) payment.reason = "declined as asked for";
  const auto body = contracts::encode(payment);
  {
    const std::lock_guard guard(lock_);
    notices_.push_back({"msg-" + payment.payment, body, 0});
    line_.push_back(payment.payment);
    payments_.emplace(payment.payment, payment);
    if (line_.size() > kMaxPayments) {
      payments_.erase(line_.front());
      line_.pop_front();
    }
  }
  work_.notify_all();
  auto response = http::json_response(201, body);
  response.header("Location", "/v1/payments/" + payment.payment);
  exchange->respond(std::move(response));
}

void Gateway::show(const http::ExchangePtr& exchange) {
  std::optional<Payment> payment;
  {
    const std::lock_guard guard(lock_);
    const auto found = payments_.find(exchange->request().path_parameter("id"));
    if (found != payments_.end()) payment = found->second;
  }
  exchange->respond(payment ? http::json_response(200, contracts::encode(*payment))
                            : http::not_found(exchange->request().language()).response());
}

/// True when there is nothing more to tell: the shop took it, or never will.
bool Gateway::tell(const Notice& notice) const {
  const auto seconds = std::to_string(unix_ms(parts_.clock.now()) / 1'000);
  const auto signature = crypto::sign_webhook(parts_.key, {notice.id, seconds, notice.body});
  http::Client client(parts_.target.host, parts_.target.port, {.timeout = kCallLimit});
  const auto answer = client.post(parts_.target.path, notice.body,
                                  {{"Content-Type", "application/json"},
                                   {"webhook-id", notice.id},
                                   {"webhook-timestamp", seconds},
                                   {"webhook-signature", signature}});
  if (!answer) {
    kLog.warn("the shop cannot be told", {{"notice", notice.id}, {"error", answer.error().text()}});
    return false;
  }
  const bool taken = answer->status / 100 == 2;
  if (!taken)
    kLog.warn("the shop refused a notice", {{"notice", notice.id}, {"status", answer->status}});
  return taken || answer->status / 100 == 4;
}

void Gateway::deliver() {
  std::unique_lock guard(lock_);
  while (!stopping_) {
    if (notices_.empty()) {
      work_.wait(guard);
      continue;
    }
    auto notice = std::move(notices_.front());
    notices_.pop_front();
    guard.unlock();
    const bool done = tell(notice);
    guard.lock();
    if (done || ++notice.attempts >= kMaxAttempts) continue;
    notices_.push_back(std::move(notice));
    work_.wait_for(guard, kRetry, [this] { return stopping_; });
  }
}

}  // namespace dropline::sandbox
