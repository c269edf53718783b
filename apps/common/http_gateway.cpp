#include "common/http_gateway.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include "dropline/crypto/webhook.hpp"
#include "dropline/http/client.hpp"
#include "dropline/http/errors.hpp"
#include "dropline/payments/payments_worker.hpp"

namespace dropline::apps {

using contracts::GatewayOutcome;
using payments::Errand;
using payments::ErrandKind;
using payments::GatewayReply;

namespace {

/// Where somebody else's API listens.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

/// Payment gateway and bank over HTTP, in the form that `dropline-sandbox` speaks (its README):
///
///   ask     GET  /v1/payments?reference=R
///   cancel  POST /v1/payments/cancellation {reference, amount}
///   refund  POST /v1/refunds {reference, amount}
///   payout  POST /v1/payouts {reference, amount, account}      (the bank)
///
/// Each request carries `Idempotency-Key` and a signature in the standard-webhooks form. What is
/// not an answer in that form, or names another payment, is an unknown outcome. Any thread.
class HttpGateway final : public worker::CallTarget {
 public:
  struct Parts {
    Endpoint gateway;
    Endpoint bank;
    const Keys& keys;
    const Clock& clock;
    std::chrono::milliseconds timeout{5'000};
  };
  explicit HttpGateway(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] Result<std::string> call(const worker::Call& call) override;

 private:
  struct Reply;
  [[nodiscard]] Result<Reply> send(const Endpoint& to, const payments::Errand& errand,
                                   std::string_view method, const std::string& target,
                                   const std::string& body) const;
  [[nodiscard]] Result<payments::GatewayReply> state(const payments::Errand& errand) const;
  [[nodiscard]] Result<payments::GatewayReply> give_back(const payments::Errand& errand) const;

  Parts parts_;
};

/// What became of a payment, as the gateway keeps it.
enum class PaymentState { authorised, captured, declined, voided };
constexpr auto names_of(PaymentState) {
  return std::to_array<std::string_view>({"authorised", "captured", "declined", "voided"});
}

struct PaymentBody {
  std::string payment;
  std::string reference;
  PaymentState state = PaymentState::authorised;
  Money captured;
  Money refunded;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("payment", self.payment, contracts::kNameBounds);
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("state", self.state);
    visit("captured", self.captured);
    visit("refunded", self.refunded);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
};

struct MoveBody {
  std::string reference;
  Money amount;
  std::optional<contracts::BankAccount> account;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("amount", self.amount);
    visit("account", self.account);
  }
};

struct ProblemBody {
  std::optional<std::string> detail;
  std::optional<std::string> title;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("detail", self.detail, contracts::Bounds{0, 2'000});
    visit("title", self.title, contracts::Bounds{0, 2'000});
  }
};

Error unknown(std::string what) {
  return http::error(http::Errc::bad_response, std::move(what));
}

std::string reason_of(std::string_view body) {
  const auto problem = contracts::decode<ProblemBody>(body);
  std::string reason;
  if (problem) reason = problem->detail.value_or(problem->title.value_or(std::string()));
  if (reason.empty()) reason = "refused";
  // Of text its code points are counted; cut where even bytes are few enough.
  constexpr std::size_t kMost = 200;
  while (reason.size() > kMost || (!reason.empty() && (reason.back() & 0xC0) == 0x80))
    reason.pop_back();
  return reason;
}

/// 4xx of a party that has understood and will not; all else may be otherwise next time.
bool refuses(int status) {
  constexpr int kTimeout = 408;
  constexpr int kTooMany = 429;
  constexpr int kUnauthorised = 401;
  return status / 100 == 4 && status != kTimeout && status != kTooMany && status != kUnauthorised;
}

constexpr int kNotFound = 404;

struct HttpGateway::Reply {
  int status = 0;
  std::string body;
};

Result<HttpGateway::Reply> HttpGateway::send(const Endpoint& to, const Errand& errand,
                                             std::string_view method, const std::string& target,
                                             const std::string& body) const {
  const auto key = errand.call.text();
  const auto seconds = std::to_string(unix_ms(parts_.clock.now()) / 1'000);
  const auto& secret = &to == &parts_.bank ? parts_.keys.bank : parts_.keys.gateway;
  const auto signature = crypto::sign_webhook(secret.front(), {key, seconds, body});
  http::Client client(to.host, to.port, {.timeout = parts_.timeout});
  auto answer = client.request(method, target,
                               {{"Content-Type", "application/json"},
                                {"Idempotency-Key", key},
                                {"webhook-id", key},
                                {"webhook-timestamp", seconds},
                                {"webhook-signature", signature}},
                               body);
  if (!answer) return answer.error();
  return Reply{answer->status, std::move(answer->body)};
}

/// What became of the payment, asked, or after it was to be cancelled.
Result<GatewayReply> HttpGateway::state(const Errand& errand) const {
  const bool asks = errand.kind == ErrandKind::ask;
  const auto reply =
      asks ? send(parts_.gateway, errand, "GET", "/v1/payments?reference=" + errand.reference, {})
           : send(parts_.gateway, errand, "POST", "/v1/payments/cancellation",
                  contracts::encode(MoveBody{errand.reference, errand.amount, {}}));
  if (!reply) return reply.error();
  if (asks && reply->status == kNotFound) return GatewayReply();
  if (reply->status / 100 != 2)
    return unknown("the gateway answered " + std::to_string(reply->status) + ": " +
                   reason_of(reply->body));
  const auto body = contracts::decode<PaymentBody>(reply->body);
  if (!body) return unknown("the gateway's answer: " + body.error().detail);
  if (body->reference != errand.reference)
    return unknown("the gateway speaks of another payment: " + body->reference);
  GatewayReply out{GatewayOutcome::unknown, {}, body->payment, body->reason};
  switch (body->state) {
    case PaymentState::authorised:
      break;
    case PaymentState::captured:
      out.outcome = body->refunded.minor >= body->captured.minor ? GatewayOutcome::refunded
                                                                 : GatewayOutcome::captured;
      out.amount = body->captured;
      break;
    case PaymentState::declined:
      out.outcome = GatewayOutcome::declined;
      break;
    case PaymentState::voided:
      out.outcome = GatewayOutcome::voided;
      break;
  }
  return out;
}

Result<GatewayReply> HttpGateway::give_back(const Errand& errand) const {
  const bool by_bank = errand.kind == ErrandKind::payout;
  MoveBody move{errand.reference, errand.amount, {}};
  if (by_bank) {
    if (!errand.account) return GatewayReply{GatewayOutcome::refused, {}, {}, "no account"};
    auto account = contracts::open_account(parts_.keys.recipients, *errand.account);
    if (!account)
      return GatewayReply{GatewayOutcome::refused, {}, {}, "the account cannot be opened"};
    move.account = std::move(*account);
  }
  const auto reply = send(by_bank ? parts_.bank : parts_.gateway, errand, "POST",
                          by_bank ? "/v1/payouts" : "/v1/refunds", contracts::encode(move));
  if (!reply) return reply.error();
  if (reply->status / 100 == 2)
    return GatewayReply{GatewayOutcome::refunded, errand.amount, {}, {}};
  if (refuses(reply->status))
    return GatewayReply{GatewayOutcome::refused, {}, {}, reason_of(reply->body)};
  return unknown("answered " + std::to_string(reply->status) + ": " + reason_of(reply->body));
}

Result<std::string> HttpGateway::call(const worker::Call& call) {
  const auto errand = contracts::decode<Errand>(call.request);
  if (!errand) return errand.error();
  const bool asks = errand->kind == ErrandKind::ask || errand->kind == ErrandKind::cancel;
  const auto reply = asks ? state(*errand) : give_back(*errand);
  if (!reply) return reply.error();
  return contracts::encode(*reply);
}

}  // namespace

struct Outside::Parts {
  Parts(HttpGateway::Parts parts, const worker::CallTerms& call_terms,
        const worker::CallThreadsOptions& options, Process& process)
      : gateway(std::move(parts)), terms(call_terms), threads(gateway, process.clock, options) {
    threads.report_to(process.metrics, "gateway");
  }

  HttpGateway gateway;
  worker::CallTerms terms;
  worker::CallThreads threads;
};

Outside::Outside(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Outside::~Outside() = default;
worker::Caller& Outside::caller() {
  return parts_->threads;
}
const worker::CallTerms& Outside::terms() const {
  return parts_->terms;
}
void Outside::on_change(std::function<void()> wake) {
  parts_->threads.on_change(std::move(wake));
}

std::unique_ptr<Outside> Outside::open(const config::Settings& settings, Process& process,
                                       const Keys& keys) {
  if (!settings.has("gateway.address")) return nullptr;
  const auto gateway = settings.address("gateway.address");
  const auto bank = settings.has("bank.address") ? settings.address("bank.address") : gateway;
  worker::CallTerms terms;
  terms.timeout = settings.duration("gateway.timeout");
  terms.pause = settings.duration("gateway.retry");
  terms.pause_max = settings.duration("gateway.retry_max");
  worker::CallThreadsOptions options;
  options.threads = static_cast<std::size_t>(settings.integer("gateway.calls"));
  options.max_queue = static_cast<std::size_t>(settings.integer("gateway.queue"));
  return std::unique_ptr<Outside>(new Outside(std::make_unique<Parts>(
      HttpGateway::Parts{
          {gateway.host, gateway.port}, {bank.host, bank.port}, keys, process.clock, terms.timeout},
      terms, options, process)));
}

}  // namespace dropline::apps
