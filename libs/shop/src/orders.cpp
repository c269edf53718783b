// /v1/orders: placing an order, looking at orders, and asking to undo one.
#include <algorithm>
#include <mutex>

#include "core.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/ordering/ordering_queries.hpp"
#include "dropline/stock/stock_queries.hpp"
#include "dropline/stream/errors.hpp"
#include "page.hpp"
#include "recipient.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using contracts::OrderState;

/// The log has this long to take a command; then its caller hears that the outcome is unknown.
constexpr std::chrono::seconds kAcknowledgeLimit{10};

/// The body of POST /v1/orders.
struct OrderRequest {
  std::optional<DropId> drop;
  std::vector<contracts::OrderLine> lines;
  contracts::PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<Money> expected_total;
  std::optional<Recipient> delivery;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("lines", self.lines, contracts::kLineBounds);
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("expected_total", self.expected_total);
    visit("delivery", self.delivery);
  }
};

/// One POST on its way: shared by the gate's answer and the board's. Who waits is answered when
/// both are there: the log's word that the order arrived, and the news of what became of it.
struct Placing {
  CorePtr core;
  http::ExchangePtr exchange;
  contracts::PlaceOrder command;
  crypto::Digest hash{};
  bool waits = false;
  std::optional<Board::Ticket> ticket;  ///< set before the command is sent

  void on_acknowledged(const Acknowledgement& told);
  void on_news(const OrderNews* told, bool decided);
  void respond_sold_out(const Sku& sku);

 private:
  void answer();
  void respond_news(const OrderNews& told);
  void respond_state(int status, OrderState state, const OrderNews* told);
  void respond_unknown();
  [[nodiscard]] http::Language language() const { return exchange->request().language(); }
  [[nodiscard]] std::string location() const { return "/v1/orders/" + command.order_id.text(); }

  std::mutex lock_;
  std::optional<Acknowledgement> acknowledged_;
  std::optional<OrderNews> news_;  ///< the decision; when time is up, what is known
  bool decided_ = false;
  bool time_is_up_ = false;
};

void Placing::respond_state(int status, OrderState state, const OrderNews* told) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  out.name("order_id");
  out.plain(command.order_id.text());
  out.name("state");
  out.plain(contracts::to_text(state));
  if (told && told->reason) {
    out.name("reason");
    out.text(*told->reason);
  }
  if (told && told->total) {
    out.name("total");
    contracts::codec::write(out, *told->total);
  }
  if (told && told->due_at) {
    out.name("due_at");
    contracts::codec::write(out, *told->due_at);
  }
  if (acknowledged_ && acknowledged_->batch) {
    out.name("receipt");
    acknowledged_->batch->write(out, acknowledged_->index);
  }
  out.close_object();
  auto response = http::json_response(status, std::move(body));
  response.header("Location", location()).header("Cache-Control", "no-store");
  if (waits) response.header("Preference-Applied", status == 200 ? "wait" : "respond-async");
  exchange->try_respond(std::move(response));
}

void Placing::respond_unknown() {
  exchange->try_respond(http::outcome_unknown(language())
                            .with("order_id", command.order_id.text())
                            .header("Location", location())
                            .response());
}

http::Problem conflicting(const OrderId& order, http::Language language) {
  return idempotency_conflict(language).with("order_id", order.text());
}

void Placing::respond_news(const OrderNews& told) {
  if (!told.conflict) return respond_state(200, told.state, &told);
  exchange->try_respond(conflicting(command.order_id, language()).response());
}

void Placing::respond_sold_out(const Sku& sku) {
  const auto text = refusal_text(contracts::RejectReason::sold_out);
  exchange->try_respond(
      problem(409, contracts::to_text(contracts::RejectReason::sold_out), text, language())
          .detail(Text{"This request placed nothing", "이 요청으로 접수된 주문은 없습니다"}.in(
              language()))
          .with("sku", sku.text())
          .response());
}

/// With the lock held, after something came in.
void Placing::answer() {
  if (!acknowledged_) {
    // The log has not said that it has the order: nothing may be promised yet.
    if (time_is_up_) respond_unknown();
    return;
  }
  switch (acknowledged_->outcome) {
    case stream::Outcome::failed:
      if (ticket) core->board.cancel(command.order_id, *ticket);
      exchange->try_respond(http::unavailable(language(), kRetryAfter).response());
      return;
    case stream::Outcome::unknown:
      // Whoever waits may still hear of it: then it arrived.
      if (waits && decided_) return respond_news(*news_);
      if (!waits || time_is_up_) respond_unknown();
      return;
    case stream::Outcome::acknowledged:
      if (waits && decided_) return respond_news(*news_);
      if (waits && !time_is_up_) return;
      // Who waited in vain hears how far it came.
      if (waits && news_) return respond_state(202, news_->state, &*news_);
      return respond_state(202, OrderState::received, nullptr);
  }
}

void Placing::on_acknowledged(const Acknowledgement& told) {
  if (!waits && ticket) core->board.cancel(command.order_id, *ticket);
  if (told.outcome == stream::Outcome::acknowledged)
    core->recent.remember(command.order_id, {command.member, hash});
  const std::lock_guard guard(lock_);
  acknowledged_ = told;
  answer();
}

void Placing::on_news(const OrderNews* told, bool decided) {
  const std::lock_guard guard(lock_);
  if (told) news_ = *told;
  decided_ = decided;
  time_is_up_ = !decided;
  answer();
}

/// The command that a request asks for, or the problem with it.
std::variant<contracts::PlaceOrder, http::Problem> command_of(const Api::Core& core,
                                                              const http::Request& request,
                                                              const Caller& caller) {
  const auto language = request.language();
  if (!request.content_type_is("application/json"))
    return http::unsupported_media_type(language, "application/json");
  auto key = idempotency_key(core, request);
  if (auto* wrong = std::get_if<http::Problem>(&key)) return std::move(*wrong);
  auto asked = contracts::decode<OrderRequest>(request.body());
  if (!asked) return bad_body(asked.error(), language);

  contracts::PlaceOrder command;
  command.member = caller.member;
  command.drop = asked->drop;
  command.lines = std::move(asked->lines);
  command.payment = asked->payment;
  command.coupon = asked->coupon;
  command.expected_total = asked->expected_total;
  command.idempotency_key = std::get<std::string>(key);
  command.order_id =
      contracts::make_order_id(command.member, command.drop, command.idempotency_key);
  if (asked->delivery) {
    const auto plain = contracts::encode(*asked->delivery);
    auto sealed =
        crypto::seal(core.parts.keys.recipients, plain, command.order_id.text(), core.parts.random);
    if (!sealed) return bad_body(sealed.error(), language);
    command.delivery = contracts::SealedText{
        std::move(*sealed),
        contracts::recipient_digest(core.parts.keys.recipient_digests, command.member, plain)};
  }
  command.body_hash = contracts::body_hash(command);
  if (auto valid = contracts::validate(command); !valid) return bad_body(valid.error(), language);
  return command;
}

/// Gives the command to the log, and its caller to the board.
void publish(const std::shared_ptr<Placing>& placing) {
  const auto& core = placing->core;
  const auto& request = placing->exchange->request();
  const auto& order = placing->command.order_id;
  const auto wait = patience(request, core->options.max_wait);
  placing->waits = wait > wait.zero();
  const auto until = core->parts.clock.steady() + (placing->waits ? wait : kAcknowledgeLimit);
  placing->ticket = core->board.wait(
      order, placing->hash, until,
      [placing](const OrderNews* news, bool decided) { placing->on_news(news, decided); });
  if (!placing->ticket) placing->waits = false;
  auto sent =
      core->gate->place(placing->command, placing->hash, request.trace().text(),
                        [placing](const Acknowledgement& told) { placing->on_acknowledged(told); });
  if (sent) return;
  if (placing->ticket) core->board.cancel(order, *placing->ticket);
  placing->exchange->try_respond(busy(sent.error(), request.language()));
}

/// Refuses what cannot be granted any more without a write, unless the order is known already: who
/// won and asks again is told of the order.
bool refused_unwritten(const std::shared_ptr<Placing>& placing) {
  const auto& core = placing->core;
  const auto& command = placing->command;
  if (core->recent.find(command.order_id) || core->board.awaited(command.order_id)) return false;
  const auto sku = core->shelf.sold_out(command.drop, command.lines);
  if (!sku) return false;
  return core->lookup->ask(command.order_id, [placing, sku = *sku](std::optional<bool> known) {
    if (known && !*known) {
      placing->respond_sold_out(sku);
    } else {
      publish(placing);
    }
  });
}

/// Another body came through this ingress under the same key. Which of them is the order, the log
/// decides: the other one may have come first, through another ingress or before a restart. Where
/// stock has judged, its row tells; where it has not, it will, so the command goes on its way.
bool refused_as_conflict(const std::shared_ptr<Placing>& placing) {
  const auto& core = placing->core;
  const auto known = core->recent.find(placing->command.order_id);
  if (!known || known->body_hash == placing->hash) return false;
  return core->reads->submit([placing](Result<store::Session*> session) {
    const auto& order = placing->command.order_id;
    auto judged = session ? stock::find_order(**session, order)
                          : Result<std::optional<stock::Order>>(session.error());
    if (!judged || !*judged || (*judged)->body_hash == placing->hash) return publish(placing);
    placing->exchange->try_respond(
        conflicting(order, placing->exchange->request().language()).response());
  });
}

void place_order(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  auto command = command_of(*core, exchange->request(), *caller);
  if (auto* wrong = std::get_if<http::Problem>(&command)) {
    exchange->respond(wrong->response());
    return;
  }
  const auto placing = std::make_shared<Placing>();
  placing->core = core;
  placing->exchange = exchange;
  placing->command = std::move(std::get<contracts::PlaceOrder>(command));
  placing->hash = *placing->command.body_hash;
  if (!refused_as_conflict(placing) && !refused_unwritten(placing)) publish(placing);
}

http::Response shown(const std::string& body) {
  auto response = http::json_response(200, body);
  response.header("Cache-Control", "no-store");
  return response;
}

/// What this ingress brought into the log, and nobody has judged yet.
std::optional<http::Response> in_flight(const Api::Core& core, const OrderId& id,
                                        const Caller& caller) {
  const auto known = core.recent.find(id);
  if (!known || (known->member != caller.member && !caller.admin)) return std::nullopt;
  return shown(R"({"order_id":")" + id.text() + R"(","state":"received"})");
}

/// The order named in the path, or has answered that there is none.
std::optional<OrderId> order_of(const http::ExchangePtr& exchange) {
  const auto id = OrderId::parse(exchange->request().path_parameter("id"));
  if (!id) exchange->respond(http::not_found(exchange->request().language()).response());
  return id;
}

http::Response no_order(http::Language language) {
  return http::not_found(language).retry_after(kRetryAfter).response();
}

void get_order(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  respond_from_tables(core, exchange,
                      [core, id = *id, caller = *caller, language = exchange->request().language()](
                          store::Session& session) -> Result<http::Response> {
                        const auto view = find_order_view(session, id, caller);
                        if (!view) return view.error();
                        if (*view) return shown((*view)->json());
                        if (auto waiting = in_flight(*core, id, caller)) return std::move(*waiting);
                        return no_order(language);
                      });
}

std::string cursor_text(const ordering::Cursor& cursor) {
  return std::to_string(unix_ms(cursor.placed_at)) + '-' + cursor.order.text();
}

std::optional<ordering::Cursor> parse_cursor(std::string_view text) {
  const auto end = parse_page_end(text, '-');
  if (!end || end->time < 0) return std::nullopt;
  return ordering::Cursor{from_unix_ms(end->time), OrderId(end->id)};
}

std::string page_json(const ordering::Page& page) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  out.name("orders");
  out.open_array();
  for (const auto& order : page.orders)
    view_of(order).write(out);
  out.close_array();
  if (page.next) {
    out.name("next");
    out.plain(cursor_text(*page.next));
  }
  out.close_object();
  return body;
}

void list_orders(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto& request = exchange->request();
  const auto after = page_after(exchange, parse_cursor);
  if (!after) return;
  const auto state = request.query("state").value_or("open");
  if (state != "open" && state != "all") {
    exchange->respond(
        http::bad_request(request.language(), "state: must be `open` or `all`").response());
    return;
  }
  const auto listing = state == "all" ? ordering::Listing::all : ordering::Listing::open;
  constexpr std::size_t kUsual = 20;
  const auto limit = page_limit(exchange, kUsual, static_cast<std::size_t>(ordering::kMaxPage));
  if (!limit) return;
  respond_from_tables(core, exchange,
                      [member = caller->member, listing, after = *after,
                       limit = *limit](store::Session& session) -> Result<http::Response> {
                        const auto page = ordering::orders_page(session, member, listing, after,
                                                                static_cast<std::int64_t>(limit));
                        if (!page) return page.error();
                        return shown(page_json(*page));
                      });
}

/// The bodies of both requests to undo an order; what they ask for is decided by ordering.
struct UndoRequest {
  std::optional<std::vector<contracts::OrderLine>> lines;
  std::optional<std::string> reason;
  std::optional<contracts::BankAccount> account;  ///< where a bank payer's money goes back to

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, contracts::kLineBounds);
    visit("reason", self.reason, contracts::kReasonBounds);
    visit("account", self.account);
  }
};

/// Other lines under a key whose refund is known already. A refund without lines names no other.
bool other_refund(const OrderView& order, const contracts::RefundOrder& wish) {
  const auto known = std::ranges::find(order.refunds, wish.refund, &OrderView::RefundView::refund);
  if (known == order.refunds.end() || !wish.lines) return false;
  return !std::ranges::is_permutation(*wish.lines, known->lines, [](const auto& a, const auto& b) {
    return a.sku == b.sku && a.quantity == b.quantity;
  });
}

/// An undoing that was understood: it goes into the log if the order is the caller's.
struct Undoing {
  CorePtr core;
  http::ExchangePtr exchange;
  Caller caller;
  OrderId order;
  std::string key;
  UndoRequest body;
  std::optional<contracts::SealedText> account;

  [[nodiscard]] http::Response accepted(std::string_view name, const Uuid& id) const {
    std::string text;
    contracts::JsonWriter out(text);
    out.open_object();
    out.name("order_id");
    out.plain(order.text());
    out.name(name);
    out.plain(id.text());
    out.close_object();
    auto response = http::json_response(202, std::move(text));
    response.header("Location", "/v1/orders/" + order.text()).header("Cache-Control", "no-store");
    return response;
  }

  /// A key names an attempt at one order: the same key at another order is another attempt.
  [[nodiscard]] Uuid attempt(std::string_view what) const {
    return attempt_id(what, caller.member, order.text() + '/' + key);
  }

  template <class Command>
  Command command() const {
    Command out;
    out.order_id = order;
    out.member = caller.member;
    out.actor = {contracts::ActorKind::member, caller.member.text()};
    out.reason = body.reason;
    out.account = account;
    return out;
  }

  void cancel(const OrderView*) const {
    if (body.lines) {
      const auto language = exchange->request().language();
      const auto error = contracts::error(contracts::Errc::contradiction,
                                          "/lines an order is cancelled whole; leave them out");
      exchange->try_respond(bad_body(error, language).response());
      return;
    }
    auto out = command<contracts::CancelOrder>();
    out.change = contracts::ChangeId(attempt("cancellation 1"));
    send_command(core, exchange, out, order.text(), accepted("change", out.change.uuid()));
  }

  void refund(const OrderView* known) const {
    auto out = command<contracts::RefundOrder>();
    out.refund = RefundId(attempt("refund 1"));
    out.lines = body.lines;
    if (known && other_refund(*known, out)) {
      exchange->try_respond(idempotency_conflict(exchange->request().language())
                                .with("refund", out.refund.text())
                                .response());
      return;
    }
    send_command(core, exchange, out, order.text(), accepted("refund", out.refund.uuid()));
  }
};

/// With what the tables hold of the order, if they hold it yet.
using Undo = void (Undoing::*)(const OrderView*) const;

/// The body may be absent: nothing in it is needed.
std::optional<UndoRequest> undo_body(const http::ExchangePtr& exchange) {
  if (exchange->request().body().empty()) return UndoRequest{};
  return body_of<UndoRequest>(exchange);
}

template <Undo undo>
void undo_order(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  auto key = idempotency_key(*core, exchange->request());
  if (auto* wrong = std::get_if<http::Problem>(&key)) {
    exchange->respond(wrong->response());
    return;
  }
  auto body = undo_body(exchange);
  if (!body) return;
  const auto language = exchange->request().language();
  std::optional<contracts::SealedText> account;
  if (body->account) {
    auto sealed =
        contracts::seal_account(core->parts.keys.recipients, core->parts.keys.recipient_digests,
                                *body->account, core->parts.random);
    if (!sealed) {
      exchange->respond(bad_body(sealed.error(), language).response());
      return;
    }
    account = std::move(*sealed);
  }
  const auto undoing = std::make_shared<const Undoing>(
      Undoing{core, exchange, *caller, *id, std::get<std::string>(std::move(key)), std::move(*body),
              std::move(account)});
  const bool queued = core->reads->submit([undoing, language](Result<store::Session*> session) {
    const Caller member{undoing->caller.member, false};
    auto view = session ? find_order_view(**session, undoing->order, member)
                        : Result<std::optional<OrderView>>(session.error());
    const auto known = undoing->core->recent.find(undoing->order);
    const bool theirs = (view && *view) || (known && known->member == member.member);
    if (theirs) return (*undoing.*undo)(view && *view ? &**view : nullptr);
    undoing->exchange->try_respond(view ? no_order(language)
                                        : http::unavailable(language, kRetryAfter).response());
  });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

}  // namespace

void add_order_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::post, "/v1/orders", "orders.place",
             [core](const http::ExchangePtr& exchange) { place_order(core, exchange); });
  router.add(http::Method::get, "/v1/orders", "orders.list",
             [core](const http::ExchangePtr& exchange) { list_orders(core, exchange); });
  router.add(http::Method::get, "/v1/orders/{id}", "orders.show",
             [core](const http::ExchangePtr& exchange) { get_order(core, exchange); });
  router.add(
      http::Method::post, "/v1/orders/{id}/cancellation", "orders.cancel",
      [core](const http::ExchangePtr& exchange) { undo_order<&Undoing::cancel>(core, exchange); });
  router.add(
      http::Method::post, "/v1/orders/{id}/refunds", "orders.refund",
      [core](const http::ExchangePtr& exchange) { undo_order<&Undoing::refund>(core, exchange); });
}

}  // namespace dropline::shop
