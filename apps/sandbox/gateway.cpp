#include "gateway.hpp"

#include "dropline/crypto/sha256.hpp"
#include "dropline/crypto/webhook.hpp"
#include "dropline/http/problem.hpp"

namespace dropline::sandbox {
namespace {

using contracts::Bounds;

struct PayRequest {
  std::string reference;
  Money amount;
  std::optional<PaymentState> outcome;
  std::optional<Money> captured;
  std::optional<std::vector<NoticeScript>> notices;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("amount", self.amount);
    visit("outcome", self.outcome);
    visit("captured", self.captured);
    visit("notices", self.notices, Bounds{0, 20});
  }
};

struct CaptureRequest {
  std::optional<Money> captured;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("captured", self.captured);
  }
};

struct MoveRequest {
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

struct DepositRequest {
  std::optional<std::string> transaction;
  Money amount;
  std::optional<std::string> reference;
  std::optional<contracts::BankAccount> payer;
  std::optional<std::vector<NoticeScript>> notices;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("transaction", self.transaction, contracts::kNameBounds);
    visit("amount", self.amount, Bounds{1, contracts::kMaxExact});
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("payer", self.payer);
    visit("notices", self.notices, Bounds{0, 20});
  }
};

struct FaultRequest {
  std::int64_t calls = 0;
  FaultKind kind = FaultKind::before;
  std::optional<std::int64_t> delay_ms;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("calls", self.calls, Bounds{0, 1'000'000});
    visit("kind", self.kind);
    visit("delay_ms", self.delay_ms, Bounds{0, 600'000});
  }
};

constexpr std::int64_t kUsualDelay = 10'000;

Script script_of(const std::optional<std::vector<NoticeScript>>& notices) {
  return {notices.value_or(std::vector<NoticeScript>(1))};
}

Answer unprocessable(const Error& error) {
  return {422,
          http::Problem(422, "unprocessable", "It cannot be read").detail(error.detail).json()};
}

std::string key_of(const http::Request& request) {
  return std::string(request.header("idempotency-key").value_or(std::string_view()));
}

std::string digest_of(const http::Request& request) {
  return contracts::derived_id("sandbox call", {request.path(), request.body()}).text();
}

}  // namespace

Gateway::Gateway(Parts parts) : parts_(parts), thread_([this] { answer_late(); }) {}

Gateway::~Gateway() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  later_.notify_all();
  thread_.join();
}

void Gateway::add_routes(http::Router& router) {
  using http::Method;
  const auto add = [&](Method method, const char* path, const char* name, auto handler) {
    router.add(method, path, name, [handler](const http::ExchangePtr& e) { handler(e); });
  };
  add(Method::post, "/v1/payments", "payments.pay", [this](const auto& e) { pay(e); });
  add(Method::get, "/v1/payments", "payments.find", [this](const auto& e) { look_up(e); });
  add(Method::get, "/v1/payments/{id}", "payments.show", [this](const auto& e) { show(e); });
  add(Method::post, "/v1/payments/{id}/capture", "payments.capture",
      [this](const auto& e) { capture(e); });
  add(Method::post, "/v1/payments/cancellation", "payments.cancel", [this](const auto& e) {
    move(e, parts_.gateway_keys, [this](const auto& body) { return cancel(body); });
  });
  add(Method::post, "/v1/refunds", "refunds.make", [this](const auto& e) {
    move(e, parts_.gateway_keys, [this](const auto& body) { return refund(body); });
  });
  add(Method::post, "/v1/payouts", "payouts.make", [this](const auto& e) {
    move(e, parts_.bank_keys, [this](const auto& body) { return pay_out(body); });
  });
  add(Method::post, "/v1/deposits", "deposits.make", [this](const auto& e) { deposit(e); });
  add(Method::get, "/v1/books", "books.show", [this](const auto& e) { sums(e); });
  add(Method::post, "/v1/faults", "faults.plan", [this](const auto& e) { plan_faults(e); });
}

/// The shop's calls go wrong as planned, else by chance.
std::optional<Gateway::Fault> Gateway::take_fault() {
  const std::lock_guard guard(lock_);
  if (fault_.calls > 0) {
    --fault_.calls;
    return fault_;
  }
  const auto dice = static_cast<std::int64_t>(parts_.random.below(100));
  if (dice >= parts_.fault_percent) return std::nullopt;
  return Fault{1, parts_.random.below(2) == 0 ? FaultKind::before : FaultKind::after, 0};
}

void Gateway::answer(const http::ExchangePtr& exchange, const Result<Answer>& made,
                     const std::optional<Fault>& fault) {
  const auto language = exchange->request().language();
  const bool lost = fault && fault->kind == FaultKind::after;
  auto response = !made || lost ? http::unavailable(language, std::chrono::seconds(1)).response()
                                : http::json_response(made->status, made->body);
  if (made && made->status / 100 == 4) response.content_type = "application/problem+json";
  parts_.courier.wake();
  if (!fault || fault->kind != FaultKind::slow) {
    exchange->respond(std::move(response));
    return;
  }
  {
    const std::lock_guard guard(lock_);
    late_.emplace(parts_.clock.steady() + std::chrono::milliseconds(fault->delay_ms),
                  Late{exchange, std::move(response)});
  }
  later_.notify_all();
}

void Gateway::answer_late() {
  std::unique_lock guard(lock_);
  while (!stopping_) {
    if (late_.empty()) {
      later_.wait(guard);
      continue;
    }
    const auto due = late_.begin()->first;
    if (due > parts_.clock.steady()) {
      later_.wait_until(guard, due);
      continue;
    }
    auto late = std::move(late_.begin()->second);
    late_.erase(late_.begin());
    guard.unlock();
    late.exchange->try_respond(std::move(late.response));
    guard.lock();
  }
}

void Gateway::pay(const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  const auto asked = contracts::decode<PayRequest>(request.body());
  if (!asked) return answer(exchange, unprocessable(asked.error()));
  const auto made = parts_.books.once(key_of(request), digest_of(request), [&] {
    return parts_.books.pay({asked->reference, asked->amount,
                             asked->outcome.value_or(PaymentState::captured), asked->captured,
                             script_of(asked->notices)});
  });
  answer(exchange, made);
}

void Gateway::capture(const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  const auto asked =
      contracts::decode<CaptureRequest>(request.body().empty() ? "{}" : request.body());
  if (!asked) return answer(exchange, unprocessable(asked.error()));
  answer(exchange, parts_.books.once(key_of(request), digest_of(request), [&] {
    return parts_.books.capture(std::string(request.path_parameter("id")), asked->captured);
  }));
}

void Gateway::show(const http::ExchangePtr& exchange) {
  const auto payment = parts_.books.by_name(std::string(exchange->request().path_parameter("id")));
  if (payment && !*payment) {
    exchange->respond(http::not_found(exchange->request().language()).response());
    return;
  }
  answer(exchange, payment ? Result<Answer>(Answer{200, contracts::encode(**payment)})
                           : Result<Answer>(payment.error()));
}

/// The shop asks: its question may go wrong like its orders.
void Gateway::look_up(const http::ExchangePtr& exchange) {
  const auto language = exchange->request().language();
  const auto reference = exchange->request().query("reference");
  if (!reference) {
    exchange->respond(http::bad_request(language, "reference: is missing").response());
    return;
  }
  const auto fault = take_fault();
  if (fault && fault->kind == FaultKind::before) {
    exchange->respond(http::unavailable(language, std::chrono::seconds(1)).response());
    return;
  }
  const auto payment = parts_.books.by_reference(std::string(*reference));
  if (payment && !*payment) {
    exchange->respond(http::not_found(language).response());
    return;
  }
  answer(exchange,
         payment ? Result<Answer>(Answer{200, contracts::encode(**payment)})
                 : Result<Answer>(payment.error()),
         fault);
}

void Gateway::move(const http::ExchangePtr& exchange, const std::vector<crypto::HmacKey>& keys,
                   std::function<Result<Answer>(const std::string& body)> work) {
  const auto& request = exchange->request();
  const auto header = [&](std::string_view name) {
    return request.header(name).value_or(std::string_view());
  };
  const auto verdict = crypto::verify_webhook(
      keys, {header("webhook-id"), header("webhook-timestamp"), request.body()},
      header("webhook-signature"), unix_ms(parts_.clock.now()) / 1'000);
  if (verdict != crypto::WebhookVerdict::genuine) {
    exchange->respond(http::unauthorized(request.language()).response());
    return;
  }
  const auto fault = take_fault();
  if (fault && fault->kind == FaultKind::before) {
    exchange->respond(http::unavailable(request.language(), std::chrono::seconds(1)).response());
    return;
  }
  answer(
      exchange,
      parts_.books.once(key_of(request), digest_of(request), [&] { return work(request.body()); }),
      fault);
}

Result<Answer> Gateway::cancel(const std::string& body) {
  const auto asked = contracts::decode<MoveRequest>(body);
  if (!asked) return unprocessable(asked.error());
  return parts_.books.cancel(asked->reference, asked->amount);
}

Result<Answer> Gateway::refund(const std::string& body) {
  const auto asked = contracts::decode<MoveRequest>(body);
  if (!asked) return unprocessable(asked.error());
  return parts_.books.refund(asked->reference, asked->amount);
}

Result<Answer> Gateway::pay_out(const std::string& body) {
  const auto asked = contracts::decode<MoveRequest>(body);
  if (!asked) return unprocessable(asked.error());
  if (!asked->account)
    return Answer{422, http::Problem(422, "account_needed", "An account is needed").json()};
  return parts_.books.pay_out(asked->reference, asked->amount, *asked->account);
}

void Gateway::deposit(const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  const auto asked = contracts::decode<DepositRequest>(request.body());
  if (!asked) return answer(exchange, unprocessable(asked.error()));
  answer(exchange, parts_.books.once(key_of(request), digest_of(request), [&] {
    return parts_.books.deposit({asked->transaction, asked->amount, asked->reference, asked->payer,
                                 script_of(asked->notices)});
  }));
}

void Gateway::sums(const http::ExchangePtr& exchange) {
  const auto all = parts_.books.sums();
  answer(exchange,
         all ? Result<Answer>(Answer{200, contracts::encode(*all)}) : Result<Answer>(all.error()));
}

void Gateway::plan_faults(const http::ExchangePtr& exchange) {
  const auto asked = contracts::decode<FaultRequest>(exchange->request().body());
  if (!asked) return answer(exchange, unprocessable(asked.error()));
  {
    const std::lock_guard guard(lock_);
    fault_ = {asked->calls, asked->kind, asked->delay_ms.value_or(kUsualDelay)};
  }
  exchange->respond(http::empty_response(204));
}

}  // namespace dropline::sandbox
