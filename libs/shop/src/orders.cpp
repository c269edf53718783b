// POST /v1/orders and what is asked about one order.
#include <charconv>
#include <mutex>

#include "core.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/stock/stock_queries.hpp"
#include "dropline/stream/errors.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using contracts::OrderState;

/// The log has this long to take a command; then its caller hears that the outcome is unknown.
constexpr std::chrono::seconds kAcknowledgeLimit{10};

/// Who is to get it. Sealed before it leaves this process.
struct Recipient {
  std::string name;
  std::string phone;
  std::string address;
  std::optional<std::string> postal_code;
  std::optional<std::string> note;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("name", self.name, contracts::Bounds{1, 100});
    visit("phone", self.phone, contracts::Bounds{1, 40});
    visit("address", self.address, contracts::Bounds{1, 300});
    visit("postal_code", self.postal_code, contracts::Bounds{1, 20});
    visit("note", self.note, contracts::Bounds{1, 200});
  }
};

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
  void on_news(const OrderNews* told);

 private:
  void answer();
  void respond_news(const OrderNews& told);
  void respond_state(int status, OrderState state, const OrderNews* told);
  void respond_unknown();
  [[nodiscard]] http::Language language() const { return exchange->request().language(); }
  [[nodiscard]] std::string location() const { return "/v1/orders/" + command.order_id.text(); }

  std::mutex lock_;
  std::optional<Acknowledgement> acknowledged_;
  std::optional<OrderNews> news_;
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

void Placing::respond_news(const OrderNews& told) {
  if (!told.conflict) return respond_state(200, told.state, &told);
  exchange->try_respond(problem(422, "idempotency_conflict",
                                {"Another order was placed with this Idempotency-Key",
                                 "같은 Idempotency-Key로 다른 주문이 이미 접수되었습니다"},
                                language())
                            .with("order_id", command.order_id.text())
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
      if (waits && news_) return respond_news(*news_);
      if (!waits || time_is_up_) respond_unknown();
      return;
    case stream::Outcome::acknowledged:
      if (waits && news_) return respond_news(*news_);
      if (!waits || time_is_up_) respond_state(202, OrderState::received, nullptr);
      return;
  }
}

void Placing::on_acknowledged(const Acknowledgement& told) {
  if (!waits && ticket) core->board.cancel(command.order_id, *ticket);
  const std::lock_guard guard(lock_);
  acknowledged_ = told;
  answer();
}

void Placing::on_news(const OrderNews* told) {
  const std::lock_guard guard(lock_);
  if (told) {
    news_ = *told;
  } else {
    time_is_up_ = true;
  }
  answer();
}

/// Seconds of `Prefer: wait`, within what this ingress grants; zero where there is none.
std::chrono::seconds patience(const http::Request& request, std::chrono::seconds most) {
  const auto text = request.preference("wait");
  if (!text) return std::chrono::seconds(0);
  long long seconds = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (problem != std::errc{} || end != text->data() + text->size() || seconds <= 0)
    return std::chrono::seconds(0);
  return std::min(std::chrono::seconds(seconds), most);
}

/// The attempt's name, or the problem with it.
std::variant<std::string, http::Problem> idempotency_key(const Api::Core& core,
                                                         const http::Request& request) {
  auto key = request.header("idempotency-key").value_or(std::string_view());
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"')
    key = key.substr(1, key.size() - 2);
  const auto language = request.language();
  if (key.empty())
    return problem(400, "idempotency_key_missing",
                   {"The header Idempotency-Key is missing", "Idempotency-Key 헤더가 없습니다"},
                   language);
  if (request.header_repeated("idempotency-key") || !contracts::valid_idempotency_key(key))
    return problem(400, "idempotency_key_invalid",
                   {"Idempotency-Key must be 1 to 128 visible ASCII characters",
                    "Idempotency-Key는 1~128자의 ASCII 문자여야 합니다"},
                   language);
  if (contracts::key_too_far_ahead(key, core.parts.clock.now()))
    return problem(400, "idempotency_key_ahead",
                   {"The time in Idempotency-Key is more than 24 hours ahead",
                    "Idempotency-Key의 시각이 24시간 이상 앞서 있습니다"},
                   language);
  return std::string(key);
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
  const auto wait = patience(exchange->request(), core->options.max_wait);
  const auto& order = placing->command.order_id;
  placing->waits = wait > wait.zero();
  const auto until = core->parts.clock.steady() + (placing->waits ? wait : kAcknowledgeLimit);
  placing->ticket = core->board.wait(order, placing->hash, until,
                                     [placing](const OrderNews* news) { placing->on_news(news); });
  if (!placing->ticket) placing->waits = false;
  auto sent =
      core->gate->place(placing->command, placing->hash, exchange->request().trace().text(),
                        [placing](const Acknowledgement& told) { placing->on_acknowledged(told); });
  if (sent) return;
  if (placing->ticket) core->board.cancel(order, *placing->ticket);
  exchange->try_respond(busy(sent.error(), exchange->request().language()));
}

/// An order as its member sees it: from stock's permanent row. Other people's are as good as
/// absent.
http::Response shown(const stock::Order& order) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  out.name("order_id");
  out.plain(order.id.text());
  out.name("state");
  out.plain(contracts::to_text(
      order.outcome == contracts::StockOutcome::refused    ? OrderState::rejected
      : order.outcome == contracts::StockOutcome::released ? OrderState::cancelled
                                                           : OrderState::reserved));
  if (order.reason) {
    out.name("reason");
    out.plain(contracts::to_text(*order.reason));
  }
  if (order.drop) {
    out.name("drop");
    out.plain(order.drop->text());
  }
  if (!order.lines.empty()) {
    out.name("total");
    contracts::codec::write(out, order.total);
    out.name("lines");
    contracts::codec::write_any(out, order.lines);
  }
  out.name("place");
  contracts::codec::write_any(out, order.first);
  out.name("placed_at");
  contracts::codec::write(out, order.placed_at);
  out.close_object();
  auto response = http::json_response(200, std::move(body));
  response.header("Cache-Control", "no-store");
  return response;
}

/// What a job that reads one order answers.
http::Response found_order(Result<store::Session*> session, const OrderId& id, const Caller& caller,
                           http::Language language) {
  auto order = session ? stock::find_order(**session, id)
                       : Result<std::optional<stock::Order>>(session.error());
  if (!order)
    return http::unavailable(language, kRetryAfter, "the database cannot be read now").response();
  if (!*order || ((*order)->member != caller.member && !caller.admin))
    return http::not_found(language).retry_after(kRetryAfter).response();
  return shown(**order);
}

void get_order(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto language = exchange->request().language();
  const auto id = OrderId::parse(exchange->request().path_parameter("id"));
  if (!id) {
    exchange->respond(http::not_found(language).response());
    return;
  }
  const bool queued = core->reads->submit(
      [exchange, id = *id, caller = *caller, language](Result<store::Session*> session) {
        exchange->respond(found_order(std::move(session), id, caller, language));
      });
  if (!queued) exchange->respond(http::unavailable(language, kRetryAfter).response());
}

}  // namespace

void add_order_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::post, "/v1/orders", "orders.place",
             [core](const http::ExchangePtr& exchange) { place_order(core, exchange); });
  router.add(http::Method::get, "/v1/orders/{id}", "orders.show",
             [core](const http::ExchangePtr& exchange) { get_order(core, exchange); });
}

}  // namespace dropline::shop
