#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "dropline/base/clock.hpp"
#include "dropline/base/money.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/http/router.hpp"

namespace dropline::sandbox {

/// What a payment at the gateway came to.
enum class Outcome { captured, declined };
constexpr auto names_of(Outcome) {
  return std::to_array<std::string_view>({"captured", "declined"});
}

struct Payment {
  std::string payment;    ///< the gateway's own name for it
  std::string reference;  ///< the shop's
  Money amount;
  Outcome outcome = Outcome::captured;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("payment", self.payment, contracts::kNameBounds);
    visit("reference", self.reference, contracts::Bounds{1, 200});
    visit("amount", self.amount);
    visit("outcome", self.outcome);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
};

/// Where notices go.
struct Target {
  std::string host;
  std::uint16_t port = 0;
  std::string path;
};

/// A payment gateway to develop against: takes payments at once, whoever asks, and tells the shop
/// of each with a signed notice, again and again until the shop has taken it. Remembers the last
/// kMaxPayments, for as long as the process lives. Any thread.
class Gateway final {
 public:
  static constexpr std::size_t kMaxPayments = 100'000;
  static constexpr int kMaxAttempts = 60;

  struct Parts {
    const Clock& clock;
    Random& random;
    const crypto::HmacKey& key;
    Target target;
  };
  explicit Gateway(Parts parts);
  ~Gateway();  ///< stops within a call's limit; notices not delivered by then are lost
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// `POST /v1/payments`, `GET /v1/payments/{id}`.
  void add_routes(http::Router& router);

 private:
  struct Notice {
    std::string id;
    std::string body;
    int attempts = 0;
  };
  void pay(const http::ExchangePtr& exchange);
  void show(const http::ExchangePtr& exchange);
  void deliver();
  [[nodiscard]] bool tell(const Notice& notice) const;

  Parts parts_;
  std::mutex lock_;
  std::condition_variable work_;
  std::map<std::string, Payment, std::less<>> payments_;
  std::deque<std::string> line_;
  std::deque<Notice> notices_;
  bool stopping_ = false;
  std::thread courier_;
};

}  // namespace dropline::sandbox
