#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/crypto/ed25519.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/crypto/seal.hpp"
#include "dropline/http/server.hpp"
#include "dropline/shop/caller.hpp"
#include "dropline/shop/rate_limit.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/telemetry/health.hpp"
#include "dropline/telemetry/metrics.hpp"
#include "dropline/telemetry/trace.hpp"

namespace dropline::shop {

struct ApiOptions {
  std::string name = "1";  ///< tells ingresses apart
  std::string topic_prefix;
  std::int32_t partitions = 16;
  CallerRules callers;
  std::size_t read_threads = 2;
  /// The longest `Prefer: wait` that is honoured.
  std::chrono::seconds max_wait{30};
  RateRule member_rate{"member", 0, 0};    ///< of all calls of a member
  RateRule address_rate{"address", 0, 0};  ///< of all calls from an address
  /// Origins whose pages may call (CORS); "*": any.
  std::vector<std::string> cors_origins;
};

/// The secrets of the ingress.
struct ApiKeys {
  const contracts::CommandKeys& commands;
  const crypto::SecretKey& receipts;
  const crypto::SealKey& recipients;
  const crypto::HmacKey& recipient_digests;
  /// What a payment gateway signs its notices with: the secret in force and, while it is being
  /// changed, the one before.
  const std::vector<crypto::HmacKey>& gateway;
  const std::vector<crypto::HmacKey>& bank;  ///< the same of the bank
};

/// The HTTP API: what the routes need to live, and the routes. Owns the gate, the views and their
/// threads. Made and destroyed by main(), after the server that uses its routes is gone.
class Api final {
 public:
  struct Parts {
    stream::Stream& stream;
    const store::Database& database;
    const Clock& clock;
    Random& random;
    telemetry::Metrics& metrics;
    telemetry::Health& health;
    ApiKeys keys;
  };

  [[nodiscard]] static Result<std::unique_ptr<Api>> start(Parts parts, ApiOptions options);
  ~Api();

  /// For shoppers and integrators; with health checks and metrics.
  [[nodiscard]] http::Router public_routes();
  /// For operators, on a listener of their own.
  [[nodiscard]] http::Router admin_routes();

  /// Before a public request's handler: answers preflights of pages (CORS), and addresses that ask
  /// too often.
  void admit(const http::ExchangePtr& exchange);
  /// Before a public answer is sent: what pages of other origins may read, and how the caller
  /// stands against the rate limits.
  void finish(const http::Request& request, http::Response& response);

  /// Takes no more commands and waits up to `limit` for those under way.
  void drain(std::chrono::milliseconds limit);

  class Core;

 private:
  explicit Api(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

}  // namespace dropline::shop
