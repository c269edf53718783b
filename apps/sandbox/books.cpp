#include "books.hpp"

#include "dropline/http/problem.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"

namespace dropline::sandbox {
namespace {

using store::Type;

constexpr const char* kWebhook = "/v1/payments/webhook";
constexpr const char* kDeposits = "/v1/bank-deposits";
constexpr int kConflict = 409;
constexpr int kUnprocessable = 422;
constexpr int kMade = 201;

store::Statement statement(std::string_view name, std::string_view sql) {
  return {name, "sandbox", sql};
}

Answer refusal(int status, std::string code, std::string detail) {
  return {status,
          http::Problem(status, std::move(code), "Refused").detail(std::move(detail)).json()};
}

/// What the shop is told; the shop's API describes it.
struct NoticeBody {
  PaymentState outcome = PaymentState::captured;
  std::string reference;
  std::string payment;
  Money amount;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("outcome", self.outcome);
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("payment", self.payment, contracts::kNameBounds);
    visit("amount", self.amount);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
};

struct DepositBody {
  std::string transaction;
  Money amount;
  std::optional<std::string> reference;
  std::optional<contracts::BankAccount> payer;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("transaction", self.transaction, contracts::kNameBounds);
    visit("amount", self.amount);
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("payer", self.payer);
  }
};

struct MoveBody {
  std::string name;
  Money amount;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("name", self.name, contracts::kNameBounds);
    visit("amount", self.amount);
  }
};

}  // namespace

std::string Books::name(std::string_view kind) {
  return std::string(kind) + '-' + random_.uuid7(clock_.now()).text();
}

Result<Answer> Books::once(const std::string& key, const std::string& digest,
                           const std::function<Result<Answer>()>& work) {
  const std::lock_guard guard(lock_);
  auto transaction = store::Transaction::begin(session_);
  if (!transaction) return transaction.error();
  if (!key.empty()) {
    store::Params params;
    params.add("name", key);
    const auto known = store::query(
        session_,
        statement("answer", "SELECT digest, status, body FROM {answers} WHERE name = :name"),
        params, {Type::text, Type::int64, Type::text});
    if (!known) return known.error();
    if (!known->empty()) {
      const auto row = known->front();
      if (row.text(0) != digest)
        return refusal(kUnprocessable, "idempotency_conflict", "another call has had that key");
      return Answer{static_cast<int>(row.int64(1)), std::string(row.text(2))};
    }
  }
  auto answer = work();
  if (!answer) return answer;
  if (!key.empty()) {
    store::Params params;
    params.add("name", key).add("digest", digest).add("body", answer->body);
    params.add("status", static_cast<std::int64_t>(answer->status));
    const auto kept = store::change(session_,
                                    statement("keep_answer",
                                              "INSERT INTO {answers} (name, digest, status, body) "
                                              "VALUES (:name, :digest, :status, :body)"),
                                    params);
    if (!kept) return kept.error();
  }
  if (auto done = transaction->commit(); !done) return done.error();
  return answer;
}

Result<std::optional<Payment>> Books::find(std::string_view column, const std::string& value) {
  store::Params params;
  params.add("value", value);
  const std::string sql =
      "SELECT reference, payment, state, amount, captured, refunded, currency, reason "
      "FROM {payments} WHERE " +
      std::string(column) + " = :value";
  const std::string called = "payment_by_" + std::string(column);
  const auto rows = store::query(session_, statement(called, sql), params,
                                 {Type::text, Type::text, Type::text, Type::int64, Type::int64,
                                  Type::int64, Type::text, Type::text});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Payment>();
  const auto row = rows->front();
  const auto currency = *Currency::parse(row.text(6));
  Payment out;
  out.reference = row.text(0);
  out.payment = row.text(1);
  out.state = *contracts::parse_enum<PaymentState>(row.text(2));
  out.amount = {row.int64(3), currency};
  out.captured = {row.int64(4), currency};
  out.refunded = {row.int64(5), currency};
  if (!row.is_null(7)) out.reason.emplace(row.text(7));
  return std::optional(std::move(out));
}

Status Books::put(const Payment& payment, const std::string& script, bool fresh) {
  store::Params params;
  params.add("reference", payment.reference).add("payment", payment.payment);
  params.add("state", contracts::to_text(payment.state)).add("amount", payment.amount.minor);
  params.add("captured", payment.captured.minor).add("refunded", payment.refunded.minor);
  params.add("currency", payment.captured.currency.text()).add("script", script);
  params.add("at", clock_.now());
  if (payment.reason) {
    params.add("reason", *payment.reason);
  } else {
    params.add_null("reason", Type::text);
  }
  const auto done = store::change(
      session_,
      fresh ? statement("add_payment",
                        "INSERT INTO {payments} (reference, payment, state, amount, captured, "
                        "refunded, currency, reason, script, at) VALUES (:reference, :payment, "
                        ":state, :amount, :captured, :refunded, :currency, :reason, :script, :at)")
            : statement("change_payment",
                        "UPDATE {payments} SET state = :state, captured = :captured, refunded = "
                        ":refunded, reason = :reason, at = :at, payment = :payment, amount = "
                        ":amount, currency = :currency, script = :script "
                        "WHERE reference = :reference"),
      params);
  if (!done) return done.error();
  return {};
}

Result<std::string> Books::script_of(const std::string& reference) {
  store::Params params;
  params.add("reference", reference);
  const auto rows = store::query(
      session_, statement("script", "SELECT script FROM {payments} WHERE reference = :reference"),
      params, {Type::text});
  if (!rows) return rows.error();
  return rows->empty() ? std::string() : std::string(rows->front().text(0));
}

Status Books::add_notice(const std::string& path, const std::string& body, std::int64_t delay_ms,
                         std::int64_t copies) {
  for (std::int64_t i = 0; i < copies; ++i) {
    store::Params params;
    params.add("notice", name("msg")).add("path", path).add("body", body);
    params.add("due_at", clock_.now() + std::chrono::milliseconds(delay_ms));
    const auto done =
        store::change(session_,
                      statement("add_notice",
                                "INSERT INTO {notices} (notice, path, body, due_at, attempts) "
                                "VALUES (:notice, :path, :body, :due_at, 0)"),
                      params);
    if (!done) return done.error();
  }
  return {};
}

Status Books::tell(const Payment& payment, const Script& script) {
  for (const auto& each : script.notices) {
    NoticeBody body;
    body.outcome = each.outcome.value_or(payment.state);
    body.reference = payment.reference;
    body.payment = payment.payment;
    body.amount = each.amount.value_or(payment.state == PaymentState::captured ? payment.captured
                                                                               : payment.amount);
    body.reason = payment.reason;
    if (auto added = add_notice(kWebhook, contracts::encode(body), each.delay_ms.value_or(0),
                                each.copies.value_or(1));
        !added)
      return added;
  }
  return {};
}

Status Books::add_move(std::string_view kind, const std::string& called, const std::string& about,
                       const Money& amount, const std::string& detail) {
  store::Params params;
  params.add("move", called).add("kind", kind).add("about", about).add("amount", amount.minor);
  params.add("currency", amount.currency.text()).add("detail", detail).add("at", clock_.now());
  const auto done = store::change(
      session_,
      statement("add_move",
                "INSERT INTO {moves} (move, kind, about, amount, currency, detail, at) "
                "VALUES (:move, :kind, :about, :amount, :currency, :detail, :at)"),
      params);
  if (!done) return done.error();
  return {};
}

Result<Answer> Books::pay(const Wish& wish) {
  const auto known = find("reference", wish.reference);
  if (!known) return known.error();
  if (*known)
    return refusal(kConflict, "reference_used",
                   "the payment " + (*known)->payment + " under that reference is " +
                       std::string(contracts::to_text((*known)->state)));
  Payment payment;
  payment.payment = name("pay");
  payment.reference = wish.reference;
  payment.amount = wish.amount;
  payment.state = wish.state;
  const auto took = wish.captured.value_or(wish.amount);
  payment.captured = {wish.state == PaymentState::captured ? took.minor : 0, took.currency};
  payment.refunded = {0, took.currency};
  if (wish.state == PaymentState::declined) payment.reason = "declined as asked for";
  if (auto done = put(payment, contracts::encode(wish.script), true); !done) return done.error();
  if (wish.state != PaymentState::authorised)
    if (auto told = tell(payment, wish.script); !told) return told.error();
  return Answer{kMade, contracts::encode(payment)};
}

Result<Answer> Books::capture(const std::string& called, std::optional<Money> captured) {
  auto payment = find("payment", called);
  if (!payment) return payment.error();
  if (!*payment) return refusal(404, "unknown_payment", "there is no such payment");
  auto& row = **payment;
  if (row.state != PaymentState::authorised)
    return refusal(kConflict, "not_authorised",
                   "the payment is " + std::string(contracts::to_text(row.state)));
  const auto script = script_of(row.reference);
  if (!script) return script.error();
  row.state = PaymentState::captured;
  row.captured = captured.value_or(row.amount);
  row.refunded = {0, row.captured.currency};
  if (auto done = put(row, *script, false); !done) return done.error();
  const auto parsed = contracts::decode<Script>(*script);
  if (!parsed) return parsed.error();
  if (auto told = tell(row, *parsed); !told) return told.error();
  return Answer{200, contracts::encode(row)};
}

Result<Answer> Books::cancel(const std::string& reference, const Money& amount) {
  auto payment = find("reference", reference);
  if (!payment) return payment.error();
  if (!*payment) {
    Payment row;
    row.payment = name("pay");
    row.reference = reference;
    row.amount = amount;
    row.state = PaymentState::voided;
    row.captured = row.refunded = {0, amount.currency};
    if (auto done = put(row, contracts::encode(Script()), true); !done) return done.error();
    return Answer{200, contracts::encode(row)};
  }
  auto& row = **payment;
  if (row.state == PaymentState::authorised) {
    row.state = PaymentState::voided;
    if (auto done = put(row, contracts::encode(Script()), false); !done) return done.error();
  }
  return Answer{200, contracts::encode(row)};
}

Result<Answer> Books::refund(const std::string& reference, const Money& amount) {
  auto payment = find("reference", reference);
  if (!payment) return payment.error();
  if (!*payment || (*payment)->state != PaymentState::captured)
    return refusal(kConflict, "not_captured", "nothing was captured under that reference");
  auto& row = **payment;
  if (amount.currency != row.captured.currency ||
      amount.minor > row.captured.minor - row.refunded.minor)
    return refusal(kUnprocessable, "too_much", "that is more than is left of it");
  row.refunded.minor += amount.minor;
  const auto script = script_of(reference);
  if (!script) return script.error();
  if (auto done = put(row, *script, false); !done) return done.error();
  const MoveBody move{name("refund"), amount};
  if (auto done = add_move("refund", move.name, reference, amount, ""); !done) return done.error();
  return Answer{kMade, contracts::encode(move)};
}

Result<Answer> Books::pay_out(const std::string& reference, const Money& amount,
                              const contracts::BankAccount& account) {
  if (account.account.starts_with("closed"))
    return refusal(kUnprocessable, "account_closed", "the bank knows of no such account");
  const MoveBody move{name("payout"), amount};
  if (auto done = add_move("payout", move.name, reference, amount, contracts::encode(account));
      !done)
    return done.error();
  return Answer{kMade, contracts::encode(move)};
}

Result<Answer> Books::deposit(const Transfer& transfer) {
  DepositBody body;
  body.transaction = transfer.transaction.value_or(name("tx"));
  body.amount = transfer.amount;
  body.reference = transfer.reference;
  body.payer = transfer.payer;
  store::Params params;
  params.add("move", body.transaction);
  const auto known = store::query(
      session_, statement("find_move", "SELECT detail FROM {moves} WHERE move = :move"), params,
      {Type::text});
  if (!known) return known.error();
  const auto text = contracts::encode(body);
  if (known->empty()) {
    if (auto done = add_move("deposit", body.transaction, transfer.reference.value_or(""),
                             body.amount, text);
        !done)
      return done.error();
  } else if (known->front().text(0) != text) {
    return refusal(kConflict, "transaction_used", "that transaction was another transfer");
  }
  for (const auto& each : transfer.script.notices)
    if (auto told = add_notice(kDeposits, text, each.delay_ms.value_or(0), each.copies.value_or(1));
        !told)
      return told.error();
  return Answer{kMade, text};
}

Result<std::optional<Payment>> Books::by_reference(const std::string& reference) {
  const std::lock_guard guard(lock_);
  return find("reference", reference);
}

Result<std::optional<Payment>> Books::by_name(const std::string& payment) {
  const std::lock_guard guard(lock_);
  return find("payment", payment);
}

Result<Sums> Books::sums() {
  const std::lock_guard guard(lock_);
  const auto rows = store::query(
      session_,
      statement("sums",
                "SELECT (SELECT coalesce(sum(captured), 0) FROM {payments}), "
                "(SELECT coalesce(sum(refunded), 0) FROM {payments}), "
                "(SELECT coalesce(sum(amount), 0) FROM {moves} WHERE kind = 'deposit'), "
                "(SELECT coalesce(sum(amount), 0) FROM {moves} WHERE kind = 'payout'), "
                "(SELECT count(*) FROM {notices} WHERE due_at IS NOT NULL)"),
      {}, {Type::int64, Type::int64, Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  const auto row = rows->front();
  return Sums{row.int64(0), row.int64(1), row.int64(2), row.int64(3), row.int64(4)};
}

Result<std::vector<Notice>> Books::due_notices(std::size_t most) {
  const std::lock_guard guard(lock_);
  store::Params params;
  params.add("now", clock_.now()).add("most", static_cast<std::int64_t>(most));
  const auto rows =
      store::query(session_,
                   statement("due_notices",
                             "SELECT notice, path, body, attempts FROM {notices} "
                             "WHERE due_at <= :now ORDER BY due_at, notice LIMIT :most"),
                   params, {Type::text, Type::text, Type::text, Type::int64});
  if (!rows) return rows.error();
  std::vector<Notice> out;
  for (const auto row : *rows)
    out.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                   row.int64(3)});
  return out;
}

Status Books::notice_done(const std::string& notice) {
  const std::lock_guard guard(lock_);
  store::Params params;
  params.add("notice", notice);
  const auto done = store::change(
      session_,
      statement("notice_done", "UPDATE {notices} SET due_at = NULL WHERE notice = :notice"),
      params);
  if (!done) return done.error();
  return {};
}

Status Books::notice_failed(const Notice& notice, std::chrono::milliseconds pause) {
  if (notice.attempts + 1 >= kMaxAttempts) return notice_done(notice.id);
  const std::lock_guard guard(lock_);
  store::Params params;
  params.add("notice", notice.id).add("due_at", clock_.now() + pause);
  const auto done = store::change(session_,
                                  statement("notice_failed",
                                            "UPDATE {notices} SET due_at = :due_at, attempts = "
                                            "attempts + 1 WHERE notice = :notice"),
                                  params);
  if (!done) return done.error();
  return {};
}

}  // namespace dropline::sandbox
