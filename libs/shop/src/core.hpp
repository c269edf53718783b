#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dropline/shop/api.hpp"
#include "dropline/shop/board.hpp"
#include "dropline/shop/gate.hpp"
#include "dropline/shop/reads.hpp"
#include "dropline/shop/tail.hpp"

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
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Reads> reads;
  std::unique_ptr<Tail> tail;
  std::vector<telemetry::Health::Registration> checks;

 private:
  void on_record(const stream::Record& record);
};

using CorePtr = std::shared_ptr<Api::Core>;

/// Answers with the caller's problem, or gives the caller.
[[nodiscard]] std::optional<Caller> identified(const Api::Core& core,
                                               const http::ExchangePtr& exchange);

/// The same for operators: 403 for everybody else.
[[nodiscard]] std::optional<Caller> identified_admin(const Api::Core& core,
                                                     const http::ExchangePtr& exchange);

/// Answers a body that cannot be read: 400 where it is not JSON, else 422, with the field named.
[[nodiscard]] http::Problem bad_body(const Error& error, http::Language language);
/// Answers a command that could not be given to the log: 503, nothing was done.
[[nodiscard]] http::Response busy(const Error& error, http::Language language);

/// What a client is asked to wait before it tries again.
inline constexpr std::chrono::milliseconds kRetryAfter{1'000};

// One file for each resource.
void add_admin_routes(http::Router& router, const CorePtr& core);
void add_order_routes(http::Router& router, const CorePtr& core);

}  // namespace dropline::shop
