#include "dropline/shop/api.hpp"

#include "core.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/shop/operations.hpp"
#include "dropline/stream/errors.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using contracts::OrderState;

template <class T>
OrderNews news_of(const T& event) {
  OrderNews news;
  news.order = event.order_id;
  news.body_hash = event.body_hash;
  news.place = event.place;
  return news;
}

OrderNews to_news(const contracts::StockReserved& event) {
  auto news = news_of(event);
  news.state = OrderState::reserved;
  news.total = event.total;
  news.method = event.payment.method;
  return news;
}

OrderNews to_news(const contracts::StockRefused& event) {
  auto news = news_of(event);
  news.state = OrderState::rejected;
  news.reason = contracts::to_text(event.reason);
  news.method = event.payment.method;
  return news;
}

OrderNews to_news(const contracts::OrderRepeated& event) {
  auto news = news_of(event);
  news.place = event.first;
  news.repeated = true;
  news.state = event.outcome == contracts::StockOutcome::refused ? OrderState::rejected
                                                                 : OrderState::reserved;
  if (event.reason) news.reason = contracts::to_text(*event.reason);
  return news;
}

OrderNews to_news(const contracts::IdempotencyConflict& event) {
  auto news = news_of(event);
  news.conflict = true;
  return news;
}

}  // namespace

Api::Core::Core(Parts parts_, ApiOptions options_)
    : parts(parts_),
      options(std::move(options_)),
      callers(options.callers, parts.clock),
      board(parts.clock) {}

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
  const auto name = [this](std::string_view topic) {
    return contracts::topic_name(options.topic_prefix, topic);
  };
  tail = std::make_unique<Tail>(
      parts.stream, std::vector<Tail::Source>{{name(contracts::topic::kStockEvents), false}},
      options.partitions, [this](const stream::Record& record) { on_record(record); });
  checks.push_back(parts.health.add_text("gate", [this] { return gate->health(); }));
  checks.push_back(parts.health.add_text("views", [this] {
    auto trouble = tail->health();
    if (trouble.empty() && !tail->caught_up()) trouble = "reading the log up to now";
    return trouble;
  }));
  return {};
}

/// Only what somebody waits for is parsed.
void Api::Core::on_record(const stream::Record& record) {
  const auto order =
      OrderId::parse(record.header(contracts::header::kCorrelation).value_or(std::string_view()));
  if (!order || !board.awaited(*order)) return;
  auto envelope = contracts::parse_envelope(record);
  if (!envelope) return;
  auto event =
      contracts::decode_any<contracts::StockReserved, contracts::StockRefused,
                            contracts::OrderRepeated, contracts::IdempotencyConflict>(*envelope);
  if (!event) return;
  std::visit([this](const auto& told) { board.tell(to_news(told)); }, *event);
}

std::optional<Caller> identified(const Api::Core& core, const http::ExchangePtr& exchange) {
  auto caller = core.callers.identify(exchange->request());
  if (auto* refused = std::get_if<http::Problem>(&caller)) {
    exchange->respond(refused->response());
    return std::nullopt;
  }
  return std::get<Caller>(caller);
}

std::optional<Caller> identified_admin(const Api::Core& core, const http::ExchangePtr& exchange) {
  auto caller = identified(core, exchange);
  if (caller && !caller->admin) {
    exchange->respond(http::forbidden(exchange->request().language()).response());
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

Result<std::unique_ptr<Api>> Api::start(Parts parts, ApiOptions options) {
  auto core = std::make_shared<Core>(parts, std::move(options));
  if (auto started = core->start(); !started) return started.error();
  return std::unique_ptr<Api>(new Api(std::move(core)));
}

Api::~Api() = default;

http::Router Api::public_routes() {
  http::Router router;
  add_order_routes(router, core_);
  add_operation_routes(router, core_->parts.health, core_->parts.metrics);
  return router;
}

http::Router Api::admin_routes() {
  http::Router router;
  add_admin_routes(router, core_);
  add_operation_routes(router, core_->parts.health, core_->parts.metrics);
  return router;
}

void Api::drain(std::chrono::milliseconds limit) {
  core_->gate->close(limit);
}

}  // namespace dropline::shop
