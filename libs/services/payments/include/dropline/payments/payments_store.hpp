#pragma once

#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/payments/payments.hpp"
#include "dropline/store/database.hpp"

namespace dropline::payments {

/// Which rows a batch needs. Duplicates do no harm.
struct Wanted {
  std::vector<MemberId> wallets;
  std::vector<PaymentKey> payments;
  std::vector<RefundKey> refunds;
  std::vector<ChargeKey> charges;
  std::vector<ReturnKey> returns;
  std::vector<contracts::DepositId> deposits;
  std::vector<CreditKey> credits;
};

/// Loads a batch's rows, a statement a table. Within the caller's transaction.
[[nodiscard]] Result<Book> load(store::Session& session, Wanted wanted);

/// Writes what changed, a statement a table: rows, ledger entries, and what they add to each
/// shard's totals. An entry that is there already is an error (store::Errc::constraint), never
/// overwritten. Errands are not its business: they are calls' rows (worker::CallDesk).
[[nodiscard]] Status save(store::Session& session, const Book& book);

}  // namespace dropline::payments
