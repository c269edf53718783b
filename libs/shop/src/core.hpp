#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "dropline/shop/answers.hpp"
#include "dropline/shop/api.hpp"
#include "dropline/shop/board.hpp"
#include "dropline/shop/charts.hpp"
#include "dropline/shop/gate.hpp"
#include "dropline/shop/live.hpp"
#include "dropline/shop/rate_limit.hpp"
#include "dropline/shop/reads.hpp"
#include "dropline/shop/shelf.hpp"
#include "dropline/shop/tail.hpp"
#include "lookup.hpp"
#include "order_view.hpp"
#include "recent.hpp"

namespace dropline::shop {

/// What every resource may use. Outlives the routes' handlers, which share it.
class Api::Core final {
 public:
  Core(Parts parts, ApiOptions options);
  ~Core();

  Status start();

  Parts parts;
  ApiOptions options;
  Callers callers;
  Board board;
  Shelf shelf;
  Charts charts;
  Live live;
  Recent recent;
  Answers answers;
  RateLimit member_rate;
  RateLimit address_rate;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Lookup> lookup;  ///< before `reads`, which finishes its jobs when it goes
  std::unique_ptr<Reads> reads;
  std::unique_ptr<Tail> tail;
  std::vector<telemetry::Health::Registration> checks;

 private:
  void on_record(const stream::Record& record);
  void tell(const stream::Record& record);
  void tell_what_became_of(const contracts::OrderRepeated& repeated);

  /// The topics as the log names them.
  struct Topics {
    std::string stock_events;
    std::string payments_events;
    std::string orders_events;
    std::string stock_levels;
    std::string catalog_products;
    std::string catalog_events;
    std::string deliveries_events;
    std::string coupons_events;
    std::string rankings_snapshots;
  };
  Topics topics_;
};

using CorePtr = std::shared_ptr<Api::Core>;

/// Answers with the caller's problem (401, 429), or gives the caller.
[[nodiscard]] std::optional<Caller> identified(Api::Core& core, const http::ExchangePtr& exchange);

/// The same for operators: 403 for everybody else.
[[nodiscard]] std::optional<Caller> identified_admin(Api::Core& core,
                                                     const http::ExchangePtr& exchange);

/// Answers a body that cannot be read: 400 where it is not JSON, else 422, with the field named.
[[nodiscard]] http::Problem bad_body(const Error& error, http::Language language);
/// 429, with the limit and when to come again.
[[nodiscard]] http::Response rate_limited(const RateLimit::Verdict& verdict,
                                          http::Language language);
/// Answers a command that could not be given to the log: 503, nothing was done.
[[nodiscard]] http::Response busy(const Error& error, http::Language language);

/// What a client is asked to wait before it tries again.
inline constexpr std::chrono::milliseconds kRetryAfter{1'000};

/// Reads the JSON body of a request, or has answered it.
template <class Body>
std::optional<Body> body_of(const http::ExchangePtr& exchange) {
  const auto language = exchange->request().language();
  if (!exchange->request().content_type_is("application/json")) {
    exchange->respond(http::unsupported_media_type(language, "application/json").response());
    return std::nullopt;
  }
  auto body = contracts::decode<Body>(exchange->request().body());
  if (body) return std::move(*body);
  exchange->respond(bad_body(body.error(), language).response());
  return std::nullopt;
}

/// Runs `answer` with a session on a thread that may block, and responds with what it gives; 503
/// where the database cannot be read or too many wait for it.
void respond_from_tables(const CorePtr& core, const http::ExchangePtr& exchange,
                         std::function<Result<http::Response>(store::Session& session)> answer);

/// Seconds of `Prefer: wait`, within what this ingress grants; zero where there is none.
[[nodiscard]] std::chrono::seconds patience(const http::Request& request,
                                            std::chrono::seconds most);

/// Gives a command to the log and answers when it is there: `accepted`, 503 or 504. Without
/// `accepted` somebody else answers once it is there.
template <contracts::Message Command>
void send_command(const CorePtr& core, const http::ExchangePtr& exchange, const Command& command,
                  std::string_view correlation, std::optional<http::Response> accepted) {
  const auto language = exchange->request().language();
  if (auto valid = contracts::validate(command); !valid) {
    exchange->try_respond(bad_body(valid.error(), language).response());
    return;
  }
  auto sent = core->gate->send(
      command, correlation, exchange->request().trace().text(),
      [exchange, accepted = std::move(accepted), language](const Acknowledgement& told) {
        if (told.outcome == stream::Outcome::acknowledged) {
          if (accepted) exchange->try_respond(*accepted);
        } else if (told.outcome == stream::Outcome::failed) {
          exchange->try_respond(http::unavailable(language, kRetryAfter).response());
        } else {
          exchange->try_respond(http::outcome_unknown(language).response());
        }
      });
  if (!sent) exchange->try_respond(busy(sent.error(), language));
}

/// The attempt's name (`Idempotency-Key`), or what is wrong with it.
[[nodiscard]] std::variant<std::string, http::Problem> idempotency_key(
    const Api::Core& core, const http::Request& request);

/// An id that the same member's same attempt has again: what is asked for twice happens once.
[[nodiscard]] Uuid attempt_id(std::string_view what, const MemberId& member, std::string_view key);

/// A page's size from `?limit=`, 1 to `most`; `usual` where none is asked for. Or has answered what
/// is none.
[[nodiscard]] std::optional<std::size_t> page_limit(const http::ExchangePtr& exchange,
                                                    std::size_t usual, std::size_t most);

/// Another body stands under the request's Idempotency-Key.
[[nodiscard]] http::Problem idempotency_conflict(http::Language language);

// One file for each resource.
void add_admin_routes(http::Router& router, const CorePtr& core);
void add_delivery_routes(http::Router& router, const CorePtr& core);
void add_drop_routes(http::Router& router, const CorePtr& core);
void add_event_routes(http::Router& router, const CorePtr& core);
void add_order_routes(http::Router& router, const CorePtr& core);
void add_point_routes(http::Router& router, const CorePtr& core);
void add_product_routes(http::Router& router, const CorePtr& core);
void add_ranking_routes(http::Router& router, const CorePtr& core);
void add_shipment_routes(http::Router& router, const CorePtr& core);
void add_feed_routes(http::Router& router, const CorePtr& core);
void add_wallet_routes(http::Router& router, const CorePtr& core);

}  // namespace dropline::shop
