// /v1/bank-deposits, /v1/admin/deposits, /v1/admin/returns: money by bank, and what waits of it for
// an operator.
#include "bank.hpp"

#include "dropline/contracts/payments_outside.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "json_fields.hpp"
#include "notices.hpp"
#include "page.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using namespace contracts;  // NOLINT: the commands are all this file is about

constexpr std::size_t kUsualPage = 50;
constexpr std::size_t kMostOfPage = 200;

/// The body of a bank's notice.
struct DepositNotice {
  std::string transaction;
  Money amount;
  std::optional<std::string> reference;
  std::optional<BankAccount> payer;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("transaction", self.transaction, kNameBounds);
    visit("amount", self.amount, Bounds{1, kMaxExact});
    visit("reference", self.reference, kReferenceBounds);
    visit("payer", self.payer);
  }
};

struct AssignRequest {
  OrderId order_id;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("reason", self.reason, kReasonBounds);
  }
};

struct ReturnRequest {
  std::optional<BankAccount> account;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("account", self.account);
    visit("reason", self.reason, kReasonBounds);
  }
};

struct AccountRequest {
  BankAccount account;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("account", self.account);
    visit("reason", self.reason, kReasonBounds);
  }
};

Result<SealedText> sealed(const Api::Core& core, const BankAccount& account) {
  return seal_account(core.parts.keys.recipients, core.parts.keys.recipient_digests, account,
                      core.parts.random);
}

void take_deposit(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  if (const auto refused =
          refusal_of_notice(core->parts.keys.bank, request, core->parts.clock.now())) {
    exchange->respond(refused->response());
    return;
  }
  const auto notice = body_of<DepositNotice>(exchange);
  if (!notice) return;
  BankDeposited command;
  command.deposit = deposit_id(notice->transaction);
  command.transaction = notice->transaction;
  command.amount = notice->amount;
  command.reference = notice->reference;
  if (notice->payer) {
    auto payer = sealed(*core, *notice->payer);
    if (!payer) {
      exchange->respond(bad_body(payer.error(), request.language()).response());
      return;
    }
    command.payer = std::move(*payer);
  }
  send_command(core, exchange, command, {}, http::empty_response(204));
}

/// What the sealed account is, for the operator who asks; nothing where its key is gone.
void write_account(JsonWriter& out, std::string_view name, const Api::Core& core,
                   const std::optional<SealedText>& account) {
  if (!account) return;
  const auto opened = open_account(core.parts.keys.recipients, *account);
  if (!opened) return;
  out.name(name);
  out.open_object();
  write_field(out, "bank", opened->bank);
  write_field(out, "account", opened->account);
  write_field(out, "holder", opened->holder);
  out.close_object();
}

void write_row(JsonWriter& out, const Api::Core& core, const payments::Deposit& row) {
  out.open_object();
  write_field(out, "deposit", row.key);
  write_field(out, "transaction", row.transaction);
  write_field(out, "amount", row.amount);
  write_field(out, "rest", row.rest());
  write_field(out, "state", row.state);
  write_field(out, "reference", row.reference);
  write_account(out, "payer", core, row.payer);
  write_field(out, "order_id", row.order);
  write_field(out, "refusal", row.refusal);
  write_field(out, "at", row.made_at);
  out.close_object();
}

void write_row(JsonWriter& out, const Api::Core& core, const payments::Return& row) {
  out.open_object();
  write_field(out, "return", row.key.id);
  write_field(out, "amount", row.amount);
  write_field(out, "cause", row.cause);
  write_field(out, "state", row.state);
  write_field(out, "member", row.member);
  write_field(out, "order_id", row.order);
  write_field(out, "charge", row.charge);
  write_account(out, "account", core, row.account);
  write_field(out, "reason", row.reason);
  write_field(out, "at", row.made_at);
  out.close_object();
}

const Uuid& id_of(const payments::Deposit& row) {
  return row.key.uuid();
}
const Uuid& id_of(const payments::Return& row) {
  return row.key.id.uuid();
}

/// "<microseconds>.<id>", of the last row of a page.
std::optional<payments::Behind> parse_next(std::string_view text) {
  const auto end = parse_page_end(text, '.');
  if (!end || end->time < 0) return std::nullopt;
  return payments::Behind{from_unix_us(end->time), end->id};
}

/// What waits, oldest first; `after` is the last page's `next`.
template <class Row>
void list_waiting(const CorePtr& core, const http::ExchangePtr& exchange,
                  Result<std::vector<Row>> (*read)(store::Session&, const payments::Behind&,
                                                   std::int64_t)) {
  if (!identified_admin(*core, exchange)) return;
  const auto after = page_after(exchange, parse_next);
  if (!after) return;
  const auto limit = page_limit(exchange, kUsualPage, kMostOfPage);
  if (!limit) return;
  respond_from_tables(core, exchange,
                      [core, behind = after->value_or(payments::Behind{}), limit = *limit,
                       read](auto& session) -> Result<http::Response> {
                        const auto rows = read(session, behind, static_cast<std::int64_t>(limit));
                        if (!rows) return rows.error();
                        std::string body;
                        JsonWriter out(body);
                        out.open_object();
                        out.name("waiting");
                        out.open_array();
                        for (const auto& row : *rows)
                          write_row(out, *core, row);
                        out.close_array();
                        if (rows->size() == limit)
                          write_field(out, "next",
                                      std::to_string(unix_us(rows->back().made_at)) + '.' +
                                          id_of(rows->back()).text());
                        out.close_object();
                        auto response = http::json_response(200, std::move(body));
                        response.header("Cache-Control", "no-store");
                        return response;
                      });
}

http::Response asked(const ChangeId& change) {
  std::string body;
  JsonWriter out(body);
  out.open_object();
  write_field(out, "change", change);
  out.name("outcome");
  out.plain("asked");
  out.close_object();
  return http::json_response(202, std::move(body));
}

http::Problem not_waiting(http::Language language) {
  return problem(409, "not_waiting",
                 {"It does not wait any more: it was taken, or is on its way back",
                  "더 이상 대기 중이 아닙니다"},
                 language);
}

http::Problem account_needed(http::Language language) {
  return problem(422, "account_needed",
                 {"Nobody has said where it came from: give an account",
                  "입금 계좌를 알 수 없습니다. 계좌를 입력하세요"},
                 language)
      .detail("account: bank, account and holder of where it is to go");
}

/// Looks something up and sends what `make` makes of it, or answers its problem.
template <class Make>
void send_after_look(const CorePtr& core, const http::ExchangePtr& exchange, Make make) {
  const auto language = exchange->request().language();
  const bool queued = core->reads->submit(
      [core, exchange, language, make = std::move(make)](Result<store::Session*> session) mutable {
        if (!session) {
          exchange->try_respond(http::unavailable(language, kRetryAfter).response());
          return;
        }
        auto made = make(**session);
        if (!made) {
          exchange->try_respond(http::unavailable(language, kRetryAfter).response());
        } else if (const auto* wrong = std::get_if<http::Problem>(&*made)) {
          exchange->try_respond(wrong->response());
        } else {
          const auto& command = std::get<1>(*made);
          send_command(core, exchange, command, {}, asked(command.change));
        }
      });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

template <class Command>
Command begin(const Api::Core& core, const Caller& caller, std::string reason) {
  Command command;
  command.change = ChangeId(core.parts.random.uuid7(core.parts.clock.now()));
  command.actor = {ActorKind::admin, caller.member.text()};
  command.reason = std::move(reason);
  return command;
}

template <class T>
std::optional<T> id_of(const http::ExchangePtr& exchange) {
  const auto id = T::parse(exchange->request().path_parameter("id"));
  if (!id) exchange->respond(http::not_found(exchange->request().language()).response());
  return id;
}

template <class Command>
using Made = Result<std::variant<http::Problem, Command>>;

void assign_deposit(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<DepositId>(exchange);
  if (!id) return;
  const auto body = body_of<AssignRequest>(exchange);
  if (!body) return;
  auto command = begin<AssignDeposit>(*core, *caller, body->reason);
  command.deposit = *id;
  command.order_id = body->order_id;
  const auto language = exchange->request().language();
  send_after_look(
      core, exchange, [command, language](auto& session) mutable -> Made<AssignDeposit> {
        const auto row = payments::find_deposit(session, command.deposit);
        if (!row) return row.error();
        if (!*row) return http::not_found(language);
        if ((*row)->state != payments::DepositState::waits) return not_waiting(language);
        const auto owner = payments::find_payer(session, command.order_id);
        if (!owner) return owner.error();
        if (!*owner)
          return problem(422, "unknown_order",
                         {"There is no such order to be paid", "결제할 주문을 찾을 수 없습니다"},
                         language)
              .detail("order_id: is of no order that payments has heard of");
        command.member = **owner;
        return command;
      });
}

void return_deposit(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<DepositId>(exchange);
  if (!id) return;
  const auto body = body_of<ReturnRequest>(exchange);
  if (!body) return;
  auto command = begin<ReturnDeposit>(*core, *caller, body->reason);
  command.deposit = *id;
  const auto language = exchange->request().language();
  if (body->account) {
    auto account = sealed(*core, *body->account);
    if (!account) {
      exchange->respond(bad_body(account.error(), language).response());
      return;
    }
    command.account = std::move(*account);
  }
  send_after_look(core, exchange, [command, language](auto& session) -> Made<ReturnDeposit> {
    const auto row = payments::find_deposit(session, command.deposit);
    if (!row) return row.error();
    if (!*row) return http::not_found(language);
    if ((*row)->state != payments::DepositState::waits) return not_waiting(language);
    if (!command.account && !(*row)->payer) return account_needed(language);
    return command;
  });
}

void send_return(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<ReturnId>(exchange);
  if (!id) return;
  const auto body = body_of<AccountRequest>(exchange);
  if (!body) return;
  auto command = begin<SendReturn>(*core, *caller, body->reason);
  command.money_return = *id;
  const auto language = exchange->request().language();
  auto account = sealed(*core, body->account);
  if (!account) {
    exchange->respond(bad_body(account.error(), language).response());
    return;
  }
  command.account = std::move(*account);
  send_after_look(core, exchange, [command, language](auto& session) mutable -> Made<SendReturn> {
    const auto row = payments::find_return(session, command.money_return);
    if (!row) return row.error();
    if (!*row) return http::not_found(language);
    if ((*row)->state != payments::ReturnState::waits) return not_waiting(language);
    command.member = (*row)->key.owner;
    return command;
  });
}

}  // namespace

void add_deposit_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::post, "/v1/bank-deposits", "payments.deposits",
             [core](const http::ExchangePtr& exchange) { take_deposit(core, exchange); });
}

void add_money_admin_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/admin/deposits", "admin.deposits.list",
             [core](const http::ExchangePtr& exchange) {
               list_waiting<payments::Deposit>(core, exchange, payments::waiting_deposits);
             });
  router.add(http::Method::post, "/v1/admin/deposits/{id}/assignment", "admin.deposits.assign",
             [core](const http::ExchangePtr& exchange) { assign_deposit(core, exchange); });
  router.add(http::Method::post, "/v1/admin/deposits/{id}/return", "admin.deposits.return",
             [core](const http::ExchangePtr& exchange) { return_deposit(core, exchange); });
  router.add(http::Method::get, "/v1/admin/returns", "admin.returns.list",
             [core](const http::ExchangePtr& exchange) {
               list_waiting<payments::Return>(core, exchange, payments::waiting_returns);
             });
  router.add(http::Method::post, "/v1/admin/returns/{id}/account", "admin.returns.send",
             [core](const http::ExchangePtr& exchange) { send_return(core, exchange); });
}

}  // namespace dropline::shop
