#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/store/database.hpp"
#include "outcomes.hpp"

namespace dropline::audit {

/// What payments told of orders' money and of charged wallets, beside its rows. Compared as it
/// comes, a statement for each kChunk orders or charges.
class MoneyChecks final {
 public:
  static constexpr std::size_t kChunk = 2'000;

  MoneyChecks(Outcomes& out, store::Session& session) : out_(out), session_(session) {}
  static void announce(Outcomes& out);

  [[nodiscard]] Status take(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status finish();

 private:
  struct Told {
    std::string where;
    std::optional<contracts::PaymentCaptured> captured;
    std::optional<contracts::PaymentDeclined> declined;
    std::optional<contracts::PaymentClosed> closed;
  };
  struct Charged {
    std::string where;
    contracts::WalletCharged charge;
  };
  [[nodiscard]] Status compare_payments();
  [[nodiscard]] Status compare_charges();

  Outcomes& out_;
  store::Session& session_;
  std::map<std::pair<OrderId, MemberId>, Told> payments_;  ///< anybody may name any order
  std::map<std::pair<ChargeId, MemberId>, Charged> charges_;
};

}  // namespace dropline::audit
