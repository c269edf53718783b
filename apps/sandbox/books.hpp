#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/money.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/store/database.hpp"

namespace dropline::sandbox {

enum class PaymentState { authorised, captured, declined, voided };
constexpr auto names_of(PaymentState) {
  return std::to_array<std::string_view>({"authorised", "captured", "declined", "voided"});
}

/// How one notice of a capture misbehaves.
struct NoticeScript {
  std::optional<std::int64_t> delay_ms;
  std::optional<std::int64_t> copies;
  std::optional<Money> amount;  ///< told instead of the true one
  std::optional<PaymentState> outcome;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("delay_ms", self.delay_ms, contracts::Bounds{0, 86'400'000});
    visit("copies", self.copies, contracts::Bounds{1, 10});
    visit("amount", self.amount);
    visit("outcome", self.outcome);
  }
};

struct Script {
  std::vector<NoticeScript> notices;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("notices", self.notices, contracts::Bounds{0, 20});
  }
};

struct Payment {
  std::string payment;    ///< the gateway's own name for it
  std::string reference;  ///< the shop's
  Money amount;
  PaymentState state = PaymentState::captured;
  Money captured;
  Money refunded;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("payment", self.payment, contracts::kNameBounds);
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("amount", self.amount);
    visit("outcome", self.state);
    visit("state", self.state);
    visit("captured", self.captured);
    visit("refunded", self.refunded);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
};

/// What is answered to a call, and kept under its idempotency key.
struct Answer {
  int status = 200;
  std::string body;
};

struct Notice {
  std::string id;
  std::string path;
  std::string body;
  std::int64_t attempts = 0;
};

/// Sums of all there is, to be compared with a shop's ledger.
struct Sums {
  std::int64_t captured = 0;
  std::int64_t refunded = 0;
  std::int64_t deposited = 0;
  std::int64_t paid_out = 0;
  std::int64_t notices_waiting = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("captured", self.captured, contracts::kAmountBounds);
    visit("refunded", self.refunded, contracts::kAmountBounds);
    visit("deposited", self.deposited, contracts::kAmountBounds);
    visit("paid_out", self.paid_out, contracts::kAmountBounds);
    visit("notices_waiting", self.notices_waiting, contracts::kAmountBounds);
  }
};

/// The books of gateway and bank in a SQLite file of their own. Every call is one transaction that
/// is on disk when it returns: what was answered survives kill -9, and so do notices not yet taken.
/// Any thread; calls take turns, and block for the disk.
class Books final {
 public:
  static constexpr std::int64_t kMaxAttempts = 1'000;

  Books(store::Session session, const Clock& clock, Random& random)
      : session_(std::move(session)), clock_(clock), random_(random) {}

  /// Does `work` once for each key and gives the first answer to every repetition; another `digest`
  /// under the same key is 422. An empty key: each call is its own.
  [[nodiscard]] Result<Answer> once(const std::string& key, const std::string& digest,
                                    const std::function<Result<Answer>()>& work);

  // Within once(); an answer of status 409 or 422 is a refusal.
  struct Wish {
    std::string reference;
    Money amount;
    PaymentState state = PaymentState::captured;
    std::optional<Money> captured;
    Script script;
  };
  [[nodiscard]] Result<Answer> pay(const Wish& wish);
  [[nodiscard]] Result<Answer> capture(const std::string& payment, std::optional<Money> captured);
  [[nodiscard]] Result<Answer> cancel(const std::string& reference, const Money& amount);
  [[nodiscard]] Result<Answer> refund(const std::string& reference, const Money& amount);
  [[nodiscard]] Result<Answer> pay_out(const std::string& reference, const Money& amount,
                                       const contracts::BankAccount& account);
  struct Transfer {
    std::optional<std::string> transaction;
    Money amount;
    std::optional<std::string> reference;
    std::optional<contracts::BankAccount> payer;
    Script script;
  };
  [[nodiscard]] Result<Answer> deposit(const Transfer& transfer);

  [[nodiscard]] Result<std::optional<Payment>> by_reference(const std::string& reference);
  [[nodiscard]] Result<std::optional<Payment>> by_name(const std::string& payment);
  [[nodiscard]] Result<Sums> sums();

  /// Notices that are due, earliest first.
  [[nodiscard]] Result<std::vector<Notice>> due_notices(std::size_t most);
  [[nodiscard]] Status notice_done(const std::string& notice);
  [[nodiscard]] Status notice_failed(const Notice& notice, std::chrono::milliseconds pause);

 private:
  [[nodiscard]] Result<std::optional<Payment>> find(std::string_view column,
                                                    const std::string& value);
  [[nodiscard]] Status put(const Payment& payment, const std::string& script, bool fresh);
  [[nodiscard]] Result<std::string> script_of(const std::string& reference);
  [[nodiscard]] Status tell(const Payment& payment, const Script& script);
  [[nodiscard]] Status add_notice(const std::string& path, const std::string& body,
                                  std::int64_t delay_ms, std::int64_t copies);
  [[nodiscard]] Status add_move(std::string_view kind, const std::string& name,
                                const std::string& about, const Money& amount,
                                const std::string& detail);
  [[nodiscard]] std::string name(std::string_view kind);

  std::mutex lock_;
  store::Session session_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace dropline::sandbox
