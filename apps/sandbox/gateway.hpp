#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "books.hpp"
#include "courier.hpp"
#include "dropline/http/router.hpp"

namespace dropline::sandbox {

/// How a call of the shop's goes wrong.
enum class FaultKind {
  before,  ///< 503, nothing done
  after,   ///< done, and 503
  slow,    ///< done, and answered late
};
constexpr auto names_of(FaultKind) {
  return std::to_array<std::string_view>({"before", "after", "slow"});
}

/// A payment gateway and a bank over HTTP, see README.md. Any thread; handlers block for the disk.
class Gateway final {
 public:
  struct Parts {
    Books& books;
    Courier& courier;
    const Clock& clock;
    Random& random;
    const std::vector<crypto::HmacKey>& gateway_keys;
    const std::vector<crypto::HmacKey>& bank_keys;
    std::int64_t fault_percent = 0;
  };
  explicit Gateway(Parts parts);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  void add_routes(http::Router& router);

 private:
  struct Fault {
    std::int64_t calls = 0;
    FaultKind kind = FaultKind::before;
    std::int64_t delay_ms = 0;
  };
  struct Late {
    http::ExchangePtr exchange;
    http::Response response;
  };

  void pay(const http::ExchangePtr& exchange);
  void capture(const http::ExchangePtr& exchange);
  void show(const http::ExchangePtr& exchange);
  void look_up(const http::ExchangePtr& exchange);
  void deposit(const http::ExchangePtr& exchange);
  void sums(const http::ExchangePtr& exchange);
  void plan_faults(const http::ExchangePtr& exchange);
  void move(const http::ExchangePtr& exchange, const std::vector<crypto::HmacKey>& keys,
            std::function<Result<Answer>(const std::string& body)> work);
  [[nodiscard]] Result<Answer> cancel(const std::string& body);
  [[nodiscard]] Result<Answer> refund(const std::string& body);
  [[nodiscard]] Result<Answer> pay_out(const std::string& body);
  [[nodiscard]] std::optional<Fault> take_fault();
  void answer(const http::ExchangePtr& exchange, const Result<Answer>& made,
              const std::optional<Fault>& fault = std::nullopt);
  void answer_late();

  Parts parts_;
  std::mutex lock_;
  std::condition_variable later_;
  Fault fault_;
  std::multimap<Clock::Steady, Late> late_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dropline::sandbox
