// What support does with orders: looks one up, cancels, voids, refunds, gives a drop's orders more
// time. Commands, in the operator's name; ordering decides.
#include "support.hpp"

#include "changes.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/ordering/ordering_queries.hpp"
#include "dropline/stream/partitioner.hpp"
#include "json_fields.hpp"
#include "order_view.hpp"

namespace dropline::shop {
namespace {

using namespace contracts;  // NOLINT: the commands are most of what this file is about

/// The bodies of what ends or undoes an order. Support always says why.
struct UndoRequest {
  std::string reason;
  std::optional<std::vector<OrderLine>> lines;  ///< of a refund
  std::optional<BankAccount> account;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reason", self.reason, kReasonBounds);
    visit("lines", self.lines, kLineBounds);
    visit("account", self.account);
  }
};

struct ExtendRequest {
  Timestamp until;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("until", self.until);
    visit("reason", self.reason, kReasonBounds);
  }
};

enum class Undo { cancel, void_it, refund };

std::optional<OrderId> order_of(const http::ExchangePtr& exchange) {
  const auto id = OrderId::parse(exchange->request().path_parameter("id"));
  if (!id) exchange->respond(http::not_found(exchange->request().language()).response());
  return id;
}

void show_order(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  respond_from_tables(core, exchange,
                      [id = *id, caller = *caller, language = exchange->request().language()](
                          store::Session& session) -> Result<http::Response> {
                        const auto view = find_order_view(session, id, caller);
                        if (!view) return view.error();
                        if (!*view) return http::not_found(language).response();
                        std::string body;
                        JsonWriter out(body);
                        (*view)->write_for_support(out);
                        auto response = http::json_response(200, std::move(body));
                        response.header("Cache-Control", "no-store");
                        return response;
                      });
}

http::Response accepted_order(const OrderId& order, std::string_view name, const Uuid& id) {
  std::string text;
  JsonWriter out(text);
  out.open_object();
  write_field(out, "order_id", order);
  out.name(name);
  out.plain(id.text());
  out.close_object();
  return http::json_response(202, std::move(text));
}

/// Sends the command, once the order's member is known.
struct Undoing {
  CorePtr core;
  http::ExchangePtr exchange;
  Caller caller;
  OrderId order;
  UndoRequest body;
  std::optional<SealedText> account;

  template <class Command>
  Command command(const MemberId& member) const {
    Command out;
    out.order_id = order;
    out.member = member;
    out.actor = {ActorKind::admin, caller.member.text()};
    out.reason = body.reason;
    out.account = account;
    return out;
  }

  void send_for(const MemberId& member, Undo what) const {
    const auto id = core->parts.random.uuid7(core->parts.clock.now());
    if (what == Undo::refund) {
      auto out = command<RefundOrder>(member);
      out.refund = RefundId(id);
      out.lines = body.lines;
      return send_command(core, exchange, out, order.text(), accepted_order(order, "refund", id));
    }
    auto out = command<CancelOrder>(member);
    out.change = ChangeId(id);
    if (what == Undo::void_it) out.voided = true;
    send_command(core, exchange, out, order.text(), accepted_order(order, "change", id));
  }
};

template <Undo what>
void undo(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  auto body = body_of<UndoRequest>(exchange);
  if (!body) return;
  const auto language = exchange->request().language();
  if (what != Undo::refund && body->lines) {
    const auto wrong = error(Errc::contradiction, "/lines an order is ended whole; leave them out");
    exchange->respond(bad_body(wrong, language).response());
    return;
  }
  auto undoing = std::make_shared<Undoing>(
      Undoing{core, exchange, *caller, *id, std::move(*body), std::nullopt});
  if (undoing->body.account) {
    auto sealed = seal_account(core->parts.keys.recipients, core->parts.keys.recipient_digests,
                               *undoing->body.account, core->parts.random);
    if (!sealed) {
      exchange->respond(bad_body(sealed.error(), language).response());
      return;
    }
    undoing->account = std::move(*sealed);
  }
  const bool queued = core->reads->submit([undoing, language](Result<store::Session*> session) {
    const auto view = session ? find_order_view(**session, undoing->order, undoing->caller)
                              : Result<std::optional<OrderView>>(session.error());
    if (view && *view) return undoing->send_for((*view)->member, what);
    undoing->exchange->try_respond(view ? http::not_found(language).response()
                                        : http::unavailable(language, kRetryAfter).response());
  });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

/// One copy for each partition; answered when the last is there. A copy that was lost is made up
/// for by asking again: what has time already is passed over.
void extend(const CorePtr& core, const http::ExchangePtr& exchange,
            const std::optional<DropId>& drop) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  auto body = body_of<ExtendRequest>(exchange);
  if (!body) return;
  auto command = begin<ExtendDeadlines>(core, *caller);
  command.drop = drop;
  command.until = body->until;
  command.reason = std::move(body->reason);
  const auto partitions = static_cast<std::size_t>(core->options.partitions);
  std::vector<ExtendDeadlines> copies;
  std::vector<bool> reached(partitions);
  for (command.copy = 0; copies.size() < partitions; ++command.copy) {
    const auto at = static_cast<std::size_t>(
        stream::partition_of(command.partition_key(), core->options.partitions));
    if (reached[at]) continue;
    reached[at] = true;
    copies.push_back(command);
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const bool last = i + 1 == copies.size();
    send_command(core, exchange, copies[i], {},
                 last ? std::optional(accepted(command.change)) : std::nullopt);
  }
}

void extend_drop(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto drop = DropId::parse(exchange->request().path_parameter("id"));
  if (!drop) {
    exchange->respond(http::not_found(exchange->request().language()).response());
    return;
  }
  extend(core, exchange, drop);
}

void extend_ordinary(const CorePtr& core, const http::ExchangePtr& exchange) {
  extend(core, exchange, std::nullopt);
}

}  // namespace

void add_support_routes(http::Router& router, const CorePtr& core) {
  const auto with = [&core](auto handler) {
    return [core, handler](const http::ExchangePtr& exchange) { handler(core, exchange); };
  };
  router.add(http::Method::get, "/v1/admin/orders/{id}", "admin.orders.show", with(show_order));
  router.add(http::Method::post, "/v1/admin/orders/{id}/cancellation", "admin.orders.cancel",
             with(undo<Undo::cancel>));
  router.add(http::Method::post, "/v1/admin/orders/{id}/void", "admin.orders.void",
             with(undo<Undo::void_it>));
  router.add(http::Method::post, "/v1/admin/orders/{id}/refunds", "admin.orders.refund",
             with(undo<Undo::refund>));
  router.add(http::Method::post, "/v1/admin/drops/{id}/deadlines", "admin.drops.extend",
             with(extend_drop));
  router.add(http::Method::post, "/v1/admin/deadlines", "admin.deadlines.extend",
             with(extend_ordinary));
}

}  // namespace dropline::shop
