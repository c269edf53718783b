#include "dropline/shop/api.hpp"

#include <algorithm>
#include <charconv>

#include "bank.hpp"
#include "core.hpp"
#include "coupons.hpp"
#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/shop/operations.hpp"
#include "dropline/stream/errors.hpp"
#include "exports.hpp"
#include "openapi.hpp"
#include "support.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using contracts::OrderState;

template <class T>
OrderNews stock_news(const T& event, OrderState state) {
  OrderNews news;
  news.order = event.order_id;
  news.body_hash = event.body_hash;
  news.place = event.place;
  news.state = state;
  return news;
}

template <class T>
OrderNews money_news(const T& event, OrderState state) {
  OrderNews news;
  news.order = event.order_id;
  news.state = state;
  return news;
}

OrderNews to_news(const contracts::StockReserved& event) {
  auto news = stock_news(event, OrderState::reserved);
  news.total = event.total;
  return news;
}

OrderNews to_news(const contracts::StockRefused& event) {
  auto news = stock_news(event, OrderState::rejected);
  news.reason = contracts::to_text(event.reason);
  return news;
}

OrderNews to_news(const contracts::OrderRepeated& event) {
  const bool refused = event.outcome == contracts::StockOutcome::refused;
  auto news = stock_news(event, refused ? OrderState::rejected : OrderState::reserved);
  news.place = event.first;
  if (event.reason) news.reason = contracts::to_text(*event.reason);
  return news;
}

OrderNews to_news(const contracts::IdempotencyConflict& event) {
  auto news = stock_news(event, OrderState::received);
  news.conflict = true;
  return news;
}

OrderNews to_news(const contracts::PaymentCaptured& event) {
  return money_news(event, OrderState::paid);
}

OrderNews to_news(const contracts::PaymentDeclined& event) {
  auto news = money_news(event, OrderState::payment_failed);
  news.reason = contracts::to_text(event.reason);
  return news;
}

OrderNews to_news(const contracts::CouponDeclined& event) {
  auto news = money_news(event, OrderState::coupon_refused);
  news.reason = contracts::to_text(event.reason);
  return news;
}

OrderNews to_news(const contracts::PaymentOpened& event) {
  auto news = money_news(event, OrderState::awaiting_payment);
  news.due_at = event.due_at;
  return news;
}

}  // namespace

Api::Core::Core(Parts parts_, ApiOptions options_)
    : parts(parts_),
      options(std::move(options_)),
      callers(options.callers, parts.clock),
      board(parts.clock),
      shelf(parts.clock, options.partitions),
      live(parts.clock, options.partitions),
      answers(parts.clock),
      member_rate(options.member_rate, parts.clock),
      address_rate(options.address_rate, parts.clock) {
  const auto name = [this](std::string_view topic) {
    return contracts::topic_name(options.topic_prefix, topic);
  };
  topics_ = {name(contracts::topic::kStockEvents),      name(contracts::topic::kPaymentsEvents),
             name(contracts::topic::kOrdersEvents),     name(contracts::topic::kStockLevels),
             name(contracts::topic::kCatalogProducts),  name(contracts::topic::kCatalogEvents),
             name(contracts::topic::kDeliveriesEvents), name(contracts::topic::kCouponsEvents),
             name(contracts::topic::kRankingsSnapshots)};
}

Api::Core::~Core() = default;

Status Api::Core::start() {
  GateOptions gate_options;
  gate_options.topic_prefix = options.topic_prefix;
  gate_options.name = options.name;
  auto opened = Gate::open({parts.stream, parts.clock, parts.random, parts.keys.commands,
                            parts.keys.receipts, parts.metrics},
                           gate_options);
  if (!opened) return opened.error();
  gate = std::move(*opened);
  reads = std::make_unique<Reads>(parts.database,
                                  store::SessionOptions{.application = "dropline-ingress"},
                                  options.read_threads);
  lookup = std::make_unique<Lookup>(*reads);
  tail = std::make_unique<Tail>(parts.stream,
                                std::vector<Tail::Source>{{topics_.stock_levels, true},
                                                          {topics_.catalog_products, true},
                                                          {topics_.stock_events, false},
                                                          {topics_.catalog_events, false},
                                                          {topics_.deliveries_events, false},
                                                          {topics_.coupons_events, false},
                                                          {topics_.rankings_snapshots, true},
                                                          {topics_.payments_events, false},
                                                          {topics_.orders_events, false}},
                                options.partitions,
                                [this](const stream::Record& record) { on_record(record); });
  checks.push_back(parts.health.add_text("gate", [this] { return gate->health(); }));
  checks.push_back(parts.health.add_text("views", [this] {
    auto trouble = tail->health();
    if (trouble.empty() && !tail->caught_up()) trouble = "reading the log up to now";
    return trouble;
  }));
  return {};
}

void Api::Core::on_record(const stream::Record& record) {
  if (record.topic == topics_.stock_levels || record.topic == topics_.catalog_products)
    return shelf.take(record);
  if (record.topic == topics_.orders_events) return live.take(record);
  if (record.topic == topics_.rankings_snapshots) return charts.take(record);
  if (record.topic == topics_.catalog_events || record.topic == topics_.deliveries_events)
    return answers.take(record);
  if (record.topic == topics_.coupons_events) {
    answers.take(record);
    live.take_coupon(record);
  }
  if (record.topic == topics_.stock_events) answers.take(record);
  tell(record);
}

/// Only what somebody waits for is parsed.
void Api::Core::tell(const stream::Record& record) {
  const auto order =
      OrderId::parse(record.header(contracts::header::kCorrelation).value_or(std::string_view()));
  if (!order || !board.awaited(*order)) return;
  const auto envelope = contracts::parse_envelope(record);
  if (!envelope) return;
  const auto event =
      contracts::decode_any<contracts::StockReserved, contracts::StockRefused,
                            contracts::OrderRepeated, contracts::IdempotencyConflict,
                            contracts::PaymentCaptured, contracts::PaymentDeclined,
                            contracts::PaymentOpened, contracts::CouponDeclined>(*envelope);
  if (!event) return;
  std::visit([this](const auto& told) { board.tell(to_news(told)); }, *event);
  if (const auto* repeated = std::get_if<contracts::OrderRepeated>(&*event))
    tell_what_became_of(*repeated);
}

/// What decided a repeated order may have passed by long ago: the tables know.
void Api::Core::tell_what_became_of(const contracts::OrderRepeated& repeated) {
  if (!board.awaited(repeated.order_id)) return;
  static_cast<void>(
      reads->submit([this, id = repeated.order_id,
                     caller = Caller{repeated.member, false}](Result<store::Session*> session) {
        if (!session) return;
        const auto view = find_order_view(**session, id, caller);
        if (!view || !*view) return;
        OrderNews news;
        news.order = id;
        news.state = (*view)->state;
        news.reason = (*view)->reason;
        news.total = (*view)->total;
        news.due_at = (*view)->due_at;
        board.tell(news);
      }));
}

std::optional<Caller> identified(Api::Core& core, const http::ExchangePtr& exchange) {
  auto caller = core.callers.identify(exchange->request());
  if (auto* refused = std::get_if<http::Problem>(&caller)) {
    exchange->respond(refused->response());
    return std::nullopt;
  }
  const auto& known = std::get<Caller>(caller);
  if (core.member_rate.active()) {
    const auto verdict = core.member_rate.ask(known.member.text());
    if (!verdict.allowed) {
      exchange->respond(rate_limited(verdict, exchange->request().language()));
      return std::nullopt;
    }
  }
  return known;
}

std::optional<Caller> identified_admin(Api::Core& core, const http::ExchangePtr& exchange) {
  auto caller = identified(core, exchange);
  if (caller && !caller->admin) {
    exchange->respond(
        http::forbidden(exchange->request().language(), "the token needs the role `admin`")
            .response());
    return std::nullopt;
  }
  return caller;
}

http::Problem bad_body(const Error& error, http::Language language) {
  return problem(error.code == contracts::Errc::bad_json ? 400 : 422, error.code.message(),
                 {"The body is not what is asked for", "요청 내용이 올바르지 않습니다"}, language)
      .detail(error.detail);
}

http::Response busy(const Error& error, http::Language language) {
  const bool full = error.code == stream::Errc::queue_full;
  return http::unavailable(language, kRetryAfter,
                           full ? "too much is under way; nothing was done"
                                : "the log cannot be written now; nothing was done")
      .response();
}

http::Response rate_limited(const RateLimit::Verdict& verdict, http::Language language) {
  auto response = http::too_many_requests(language, verdict.retry_after).response();
  http::add_rate_limit(response, verdict.state);
  return response;
}

void respond_from_tables(const CorePtr& core, const http::ExchangePtr& exchange,
                         std::function<Result<http::Response>(store::Session& session)> answer) {
  const auto language = exchange->request().language();
  const bool queued = core->reads->submit(
      [exchange, answer = std::move(answer), language](Result<store::Session*> session) {
        auto response = session ? answer(**session) : Result<http::Response>(session.error());
        exchange->try_respond(
            response ? std::move(*response)
                     : http::unavailable(language, kRetryAfter, "the database cannot be read now")
                           .response());
      });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

std::chrono::seconds patience(const http::Request& request, std::chrono::seconds most) {
  const auto text = request.preference("wait");
  if (!text) return std::chrono::seconds(0);
  long long seconds = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (problem != std::errc{} || end != text->data() + text->size() || seconds <= 0)
    return std::chrono::seconds(0);
  return std::min(std::chrono::seconds(seconds), most);
}

std::variant<std::string, http::Problem> idempotency_key(const Api::Core& core,
                                                         const http::Request& request) {
  auto key = request.header("idempotency-key").value_or(std::string_view());
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"')
    key = key.substr(1, key.size() - 2);
  const auto language = request.language();
  if (key.empty() && !request.header_repeated("idempotency-key"))
    return problem(400, "idempotency_key_missing",
                   {"The header Idempotency-Key is missing", "Idempotency-Key 헤더가 없습니다"},
                   language)
        .detail("send a new UUID with each attempt, and the same one when repeating it");
  if (request.header_repeated("idempotency-key") || !contracts::valid_idempotency_key(key))
    return problem(400, "idempotency_key_invalid",
                   {"Idempotency-Key must be 1 to 128 visible ASCII characters",
                    "Idempotency-Key는 1~128자의 ASCII 문자여야 합니다"},
                   language)
        .detail("send it once, without spaces, quotes or backslashes in it, such as a UUID");
  if (contracts::key_too_far_ahead(key, core.parts.clock.now()))
    return problem(400, "idempotency_key_ahead",
                   {"The time in Idempotency-Key is more than 24 hours ahead",
                    "Idempotency-Key의 시각이 24시간 이상 앞서 있습니다"},
                   language)
        .detail("it is a UUID of version 7: set the clock that it was made by");
  return std::string(key);
}

Uuid attempt_id(std::string_view what, const MemberId& member, std::string_view key) {
  constexpr std::uint8_t kSeparator = 0;
  const auto digest = crypto::Sha256()
                          .update("dropline ")
                          .update(what)
                          .update(kSeparator)
                          .update(member.uuid().bytes)
                          .update(key)
                          .finish();
  Uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

std::optional<std::size_t> page_limit(const http::ExchangePtr& exchange, std::size_t usual,
                                      std::size_t most) {
  const auto& request = exchange->request();
  const auto text = request.query("limit");
  if (!text) return usual;
  std::size_t limit = 0;
  const auto [end, wrong] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (wrong == std::errc{} && end == text->data() + text->size() && limit > 0 && limit <= most)
    return limit;
  exchange->respond(
      http::bad_request(request.language(), "limit: must be from 1 to " + std::to_string(most))
          .response());
  return std::nullopt;
}

http::Problem idempotency_conflict(http::Language language) {
  return problem(422, "idempotency_conflict",
                 {"Another request was made with this Idempotency-Key; take a new key for this one",
                  "같은 Idempotency-Key로 다른 요청이 이미 접수되었습니다. 새 키를 사용하세요"},
                 language);
}

Result<std::unique_ptr<Api>> Api::start(Parts parts, ApiOptions options) {
  auto core = std::make_shared<Core>(parts, std::move(options));
  if (auto started = core->start(); !started) return started.error();
  return std::unique_ptr<Api>(new Api(std::move(core)));
}

Api::~Api() = default;

namespace {
void add_description_route(http::Router& router) {
  router.add(http::Method::get, "/v1/openapi.yaml", "description",
             [](const http::ExchangePtr& exchange) {
               http::Response response;
               response.content_type = "application/yaml";
               response.body = embedded::openapi().front().second;
               response.header("Cache-Control", "max-age=60");
               exchange->respond(std::move(response));
             });
}
}  // namespace

http::Router Api::public_routes() {
  http::Router router;
  add_description_route(router);
  add_coupon_routes(router, core_);
  add_delivery_routes(router, core_);
  add_drop_routes(router, core_);
  add_event_routes(router, core_);
  add_order_routes(router, core_);
  add_point_routes(router, core_);
  add_product_routes(router, core_);
  add_ranking_routes(router, core_);
  add_wallet_routes(router, core_);
  add_operation_routes(router, core_->parts.health, core_->parts.metrics);
  return router;
}

http::Router Api::admin_routes() {
  http::Router router;
  add_admin_routes(router, core_);
  add_campaign_routes(router, core_);
  add_money_admin_routes(router, core_);
  add_export_routes(router, core_);
  add_support_routes(router, core_);
  add_feed_routes(router, core_);
  add_shipment_routes(router, core_);
  add_operation_routes(router, core_->parts.health, core_->parts.metrics);
  return router;
}

void Api::drain(std::chrono::milliseconds limit) {
  core_->gate->close(limit);
}

}  // namespace dropline::shop
