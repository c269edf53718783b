#pragma once

#include "dropline/payments/payments.hpp"
#include "dropline/store/table.hpp"

/// How payments' rows look in its tables; shared by what writes and what reads them.
namespace dropline::payments {

using store::Type;

inline constexpr store::Column kWalletColumns[] = {
    {"member", Type::uuid},   {"currency", Type::text},   {"balance", Type::int64},
    {"charged", Type::int64}, {"transfers", Type::int64}, {"shard", Type::int64},
    {"at", Type::int64}};
inline constexpr store::Table kWallets{"payments", "wallets", kWalletColumns, 1};

inline constexpr store::Column kEntryColumns[] = {
    {"member", Type::uuid},   {"account", Type::text},   {"transfer", Type::int64},
    {"kind", Type::text},     {"reference", Type::uuid}, {"amount", Type::int64},
    {"currency", Type::text}, {"balance", Type::int64},  {"shard", Type::int64},
    {"at", Type::int64}};
inline constexpr store::Table kEntries{"payments", "entries", kEntryColumns, 3};

inline constexpr store::Column kTotalColumns[] = {{"account", Type::text},
                                                  {"shard", Type::int64},
                                                  {"currency", Type::text},
                                                  {"balance", Type::int64}};
inline constexpr store::Table kTotals{"payments", "totals", kTotalColumns, 3};

inline constexpr store::Column kPaymentColumns[] = {
    {"order_id", Type::uuid},     {"member", Type::uuid},    {"drop_id", Type::uuid},
    {"method", Type::text},       {"state", Type::text},     {"amount", Type::int64},
    {"currency", Type::text},     {"captured", Type::int64}, {"refunded", Type::int64},
    {"cause", Type::text},        {"declined", Type::text},  {"opened_at", Type::int64},
    {"captured_at", Type::int64}, {"at", Type::int64},       {"received", Type::int64},
    {"sending", Type::int64},     {"closing", Type::text},   {"account", Type::text}};
inline constexpr store::Table kPayments{"payments", "payments", kPaymentColumns, 2};

inline constexpr store::Column kRefundColumns[] = {
    {"refund", Type::uuid},  {"member", Type::uuid},   {"order_id", Type::uuid},
    {"amount", Type::int64}, {"currency", Type::text}, {"refused", Type::text},
    {"at", Type::int64}};
inline constexpr store::Table kRefunds{"payments", "refunds", kRefundColumns, 2};

inline constexpr store::Column kChargeColumns[] = {
    {"charge", Type::uuid},   {"member", Type::uuid},  {"method", Type::text},
    {"state", Type::text},    {"amount", Type::int64}, {"currency", Type::text},
    {"declined", Type::text}, {"at", Type::int64}};
inline constexpr store::Table kCharges{"payments", "charges", kChargeColumns, 2};

inline constexpr store::Column kReturnColumns[] = {
    {"id", Type::uuid},        {"owner", Type::uuid},    {"order_id", Type::uuid},
    {"charge", Type::uuid},    {"refund", Type::uuid},   {"deposit", Type::uuid},
    {"amount", Type::int64},   {"currency", Type::text}, {"cause", Type::text},
    {"way", Type::text},       {"state", Type::text},    {"attempt", Type::int64},
    {"reference", Type::text}, {"account", Type::text},  {"told", Type::text},
    {"reason", Type::text},    {"actor", Type::text},    {"made_at", Type::int64},
    {"at", Type::int64},       {"member", Type::uuid}};
inline constexpr store::Table kReturns{"payments", "returns", kReturnColumns, 2};

inline constexpr store::Column kDepositColumns[] = {
    {"deposit", Type::uuid},   {"bank_name", Type::text}, {"amount", Type::int64},
    {"currency", Type::text},  {"reference", Type::text}, {"payer", Type::text},
    {"state", Type::text},     {"attempt", Type::int64},  {"taken", Type::int64},
    {"returned", Type::int64}, {"member", Type::uuid},    {"order_id", Type::uuid},
    {"charge", Type::uuid},    {"refusal", Type::text},   {"actor", Type::text},
    {"reason", Type::text},    {"made_at", Type::int64},  {"at", Type::int64}};
inline constexpr store::Table kDeposits{"payments", "deposits", kDepositColumns, 1};

inline constexpr store::Column kCreditColumns[] = {
    {"deposit", Type::uuid},  {"attempt", Type::int64}, {"member", Type::uuid},
    {"order_id", Type::uuid}, {"charge", Type::uuid},   {"amount", Type::int64},
    {"currency", Type::text}, {"taken", Type::int64},   {"refusal", Type::text},
    {"at", Type::int64}};
inline constexpr store::Table kCredits{"payments", "credits", kCreditColumns, 3};

// Errors here mean rows that this program did not write.
[[nodiscard]] Result<Wallet> read_wallet(const store::Rows::Row& row);
[[nodiscard]] Result<Entry> read_entry(const store::Rows::Row& row);
[[nodiscard]] Result<Payment> read_payment(const store::Rows::Row& row);
[[nodiscard]] Result<Refund> read_refund(const store::Rows::Row& row);
[[nodiscard]] Result<Charge> read_charge(const store::Rows::Row& row);
[[nodiscard]] Result<Return> read_return(const store::Rows::Row& row);
[[nodiscard]] Result<Deposit> read_deposit(const store::Rows::Row& row);
[[nodiscard]] Result<Credit> read_credit(const store::Rows::Row& row);

}  // namespace dropline::payments
