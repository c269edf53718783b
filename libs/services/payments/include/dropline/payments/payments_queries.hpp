#pragma once

#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/payments/payments.hpp"
#include "dropline/store/database.hpp"

namespace dropline::payments {

/// Absent where nothing was ever charged: such a wallet holds nothing.
[[nodiscard]] Result<std::optional<Wallet>> find_wallet(store::Session& session,
                                                        const MemberId& member);

inline constexpr std::int64_t kMaxPage = 200;

/// The wallet's entries, newest first: those before transfer `before` (absent: from the newest), at
/// most `limit` (1 to kMaxPage; beyond it kMaxPage).
[[nodiscard]] Result<std::vector<Entry>> wallet_page(store::Session& session,
                                                     const MemberId& member,
                                                     std::optional<std::int64_t> before,
                                                     std::int64_t limit);

/// Absent where payments has not heard of it, or it is another member's.
[[nodiscard]] Result<std::optional<Payment>> find_payment(store::Session& session,
                                                          const OrderId& order,
                                                          const MemberId& member);
[[nodiscard]] Result<std::optional<Charge>> find_charge(store::Session& session,
                                                        const ChargeId& charge,
                                                        const MemberId& member);

/// Whose order it is; absent where payments has not heard of it.
[[nodiscard]] Result<std::optional<MemberId>> find_payer(store::Session& session,
                                                         const OrderId& order);

// What operators look at.
[[nodiscard]] Result<std::optional<Deposit>> find_deposit(store::Session& session,
                                                          const contracts::DepositId& deposit);
[[nodiscard]] Result<std::optional<Return>> find_return(store::Session& session,
                                                        const contracts::ReturnId& id);
/// The end of a page of those that wait: what follows was made later, or then under a higher id.
struct Behind {
  Timestamp made_at;
  Uuid id;  ///< of the deposit, or of the return
};
/// Those that wait, oldest first: those behind `behind`, at most `limit` (1 to kMaxPage).
[[nodiscard]] Result<std::vector<Deposit>> waiting_deposits(store::Session& session,
                                                            const Behind& behind,
                                                            std::int64_t limit);
[[nodiscard]] Result<std::vector<Return>> waiting_returns(store::Session& session,
                                                          const Behind& behind, std::int64_t limit);

inline constexpr std::int64_t kMaxExportPage = 1'000;

/// Payments opened from `from` until before `until`, of a drop or (absent) of all, by their orders'
/// ids: those behind `after`, at most `limit`. Walks the table in key order: for operators, not for
/// shoppers. Two statements.
[[nodiscard]] Result<std::vector<Payment>> export_page(store::Session& session,
                                                       const std::optional<DropId>& drop,
                                                       Timestamp from, Timestamp until,
                                                       const std::optional<PaymentKey>& after,
                                                       std::int64_t limit);

}  // namespace dropline::payments
