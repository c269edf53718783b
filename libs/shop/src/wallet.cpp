// /v1/wallet and what a payment gateway tells. A wallet is filled by money that a gateway captured:
// a charge only asks for it, and the gateway's signed notice brings it.
#include "bank.hpp"
#include "core.hpp"
#include "dropline/contracts/payments_outside.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "json_fields.hpp"
#include "notices.hpp"
#include "page.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

constexpr std::size_t kUsualPage = 20;
constexpr std::size_t kMaxPage = 100;

std::string reference_of(const MemberId& member, const ChargeId& charge) {
  return to_text(contracts::Reference{member, charge});
}

void write_entry(contracts::JsonWriter& out, const payments::Entry& entry) {
  out.open_object();
  write_field(out, "number", entry.transfer);
  write_field(out, "kind", entry.kind);
  write_field(out, "amount", entry.amount);
  if (entry.balance) write_field(out, "balance", Money{*entry.balance, entry.amount.currency});
  write_field(out,
              entry.kind == payments::TransferKind::charge   ? "charge"
              : entry.kind == payments::TransferKind::refund ? "refund"
                                                             : "order_id",
              entry.reference);
  write_field(out, "at", entry.at);
  out.close_object();
}

Result<http::Response> wallet_page(store::Session& session, const MemberId& member,
                                   std::optional<std::int64_t> before, std::size_t limit) {
  const auto wallet = payments::find_wallet(session, member);
  if (!wallet) return wallet.error();
  const auto entries =
      payments::wallet_page(session, member, before, static_cast<std::int64_t>(limit));
  if (!entries) return entries.error();
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  write_field(out, "balance", *wallet ? Money{(*wallet)->balance, (*wallet)->currency} : Money{});
  out.name("entries");
  out.open_array();
  for (const auto& entry : *entries)
    write_entry(out, entry);
  out.close_array();
  if (entries->size() == limit) write_field(out, "next", entries->back().transfer);
  out.close_object();
  auto response = http::json_response(200, std::move(body));
  response.header("Cache-Control", "no-store");
  return response;
}

void get_wallet(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto before = page_after(exchange, parse_page_number);
  if (!before) return;
  const auto limit = page_limit(exchange, kUsualPage, kMaxPage);
  if (!limit) return;
  respond_from_tables(core, exchange,
                      [member = caller->member, before = *before, limit = *limit](auto& session) {
                        return wallet_page(session, member, before, limit);
                      });
}

/// The body of POST /v1/wallet/charges.
struct ChargeRequest {
  Money amount;
  std::optional<contracts::ChargeMethod> method;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("amount", self.amount);
    visit("method", self.method);
  }
};

void charge_wallet(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto key = idempotency_key(*core, exchange->request());
  if (const auto* wrong = std::get_if<http::Problem>(&key)) {
    exchange->respond(wrong->response());
    return;
  }
  const auto body = body_of<ChargeRequest>(exchange);
  if (!body) return;
  contracts::ChargeWallet command;
  command.member = caller->member;
  command.charge = ChargeId(attempt_id("charge 1", caller->member, std::get<std::string>(key)));
  command.amount = body->amount;
  command.method = body->method.value_or(contracts::ChargeMethod::card);
  std::string text;
  contracts::JsonWriter out(text);
  out.open_object();
  write_field(out, "charge", command.charge);
  write_field(out, "state", payments::ChargeState::requested);
  write_field(out, "amount", command.amount);
  write_field(out, "reference", reference_of(command.member, command.charge));
  out.close_object();
  auto accepted = http::json_response(202, std::move(text));
  accepted.header("Location", "/v1/wallet/charges/" + command.charge.text())
      .header("Cache-Control", "no-store");
  // A charge that is known already stays as it was asked for first.
  const auto language = exchange->request().language();
  const bool queued = core->reads->submit([core, exchange, command, accepted,
                                           language](Result<store::Session*> session) {
    const auto first = session ? payments::find_charge(**session, command.charge, command.member)
                               : Result<std::optional<payments::Charge>>(session.error());
    if (first && *first && (*first)->amount != command.amount) {
      exchange->try_respond(
          idempotency_conflict(language).with("charge", command.charge.text()).response());
    } else if (first) {
      send_command(core, exchange, command, {}, accepted);
    } else {
      exchange->try_respond(http::unavailable(language, kRetryAfter).response());
    }
  });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

http::Response shown(const payments::Charge& charge) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  write_field(out, "charge", charge.key.charge);
  write_field(out, "state", charge.state);
  write_field(out, "amount", charge.amount);
  write_field(out, "reason", charge.declined);
  write_field(out, "reference", reference_of(charge.key.member, charge.key.charge));
  write_field(out, "at", charge.at);
  out.close_object();
  auto response = http::json_response(200, std::move(body));
  response.header("Cache-Control", "no-store");
  return response;
}

void get_charge(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto language = exchange->request().language();
  const auto id = ChargeId::parse(exchange->request().path_parameter("id"));
  if (!id) {
    exchange->respond(http::not_found(language).response());
    return;
  }
  respond_from_tables(
      core, exchange,
      [id = *id, member = caller->member, language](auto& session) -> Result<http::Response> {
        const auto charge = payments::find_charge(session, id, member);
        if (!charge) return charge.error();
        if (!*charge) return http::not_found(language).retry_after(kRetryAfter).response();
        return shown(**charge);
      });
}

enum class NoticeKind { captured, declined };
constexpr auto names_of(NoticeKind) {
  return std::to_array<std::string_view>({"captured", "declined"});
}

/// The body of a gateway's notice.
struct Notice {
  NoticeKind outcome = NoticeKind::captured;
  std::string reference;
  std::string payment;  ///< the gateway's own name for it
  Money amount;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("outcome", self.outcome);
    visit("reference", self.reference, contracts::Bounds{1, 200});
    visit("payment", self.payment, contracts::kNameBounds);
    visit("amount", self.amount);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
};

void take_notice(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  if (const auto refused =
          refusal_of_notice(core->parts.keys.gateway, request, core->parts.clock.now())) {
    exchange->respond(refused->response());
    return;
  }
  const auto notice = body_of<Notice>(exchange);
  if (!notice) return;
  const auto reference = contracts::parse_reference(notice->reference);
  if (!reference) {
    exchange->respond(
        http::unprocessable(request.language(), "reference: is of no charge or order of this shop")
            .response());
    return;
  }
  contracts::GatewayNoticed command;
  command.member = reference->member;
  if (const auto* order = std::get_if<OrderId>(&reference->what)) command.order_id = *order;
  if (const auto* charge = std::get_if<ChargeId>(&reference->what)) command.charge = *charge;
  command.notice =
      contracts::ChangeId(attempt_id("notice 1", reference->member, *request.header("webhook-id")));
  command.outcome = notice->outcome == NoticeKind::captured ? contracts::GatewayOutcome::captured
                                                            : contracts::GatewayOutcome::declined;
  command.amount = notice->amount;
  command.reference = notice->payment;
  command.reason = notice->reason;
  const auto order = command.order_id ? command.order_id->text() : std::string();
  send_command(core, exchange, command, order, http::empty_response(204));
}

}  // namespace

void add_wallet_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/wallet", "wallet.show",
             [core](const http::ExchangePtr& exchange) { get_wallet(core, exchange); });
  router.add(http::Method::post, "/v1/wallet/charges", "wallet.charge",
             [core](const http::ExchangePtr& exchange) { charge_wallet(core, exchange); });
  router.add(http::Method::get, "/v1/wallet/charges/{id}", "wallet.charges.show",
             [core](const http::ExchangePtr& exchange) { get_charge(core, exchange); });
  router.add(http::Method::post, "/v1/payments/webhook", "payments.webhook",
             [core](const http::ExchangePtr& exchange) { take_notice(core, exchange); });
  add_deposit_routes(router, core);
}

}  // namespace dropline::shop
