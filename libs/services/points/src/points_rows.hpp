#pragma once

#include "dropline/points/points.hpp"
#include "dropline/store/table.hpp"

/// How points' rows look in its tables; shared by what writes and what reads them.
namespace dropline::points {

using store::Type;

inline constexpr store::Column kEntryColumns[] = {{"member", Type::uuid},  {"number", Type::int64},
                                                  {"kind", Type::text},    {"order_id", Type::uuid},
                                                  {"points", Type::int64}, {"balance", Type::int64},
                                                  {"money", Type::int64},  {"at", Type::int64}};
inline constexpr store::Table kEntries{"points", "entries", kEntryColumns, 2};

inline constexpr store::Column kBalanceColumns[] = {{"member", Type::uuid},
                                                    {"balance", Type::int64},
                                                    {"entries", Type::int64},
                                                    {"at", Type::int64}};
inline constexpr store::Table kBalances{"points", "balances", kBalanceColumns, 1};

// An error means a row that this program did not write.
[[nodiscard]] Result<Entry> read_entry(const store::Rows::Row& row);
[[nodiscard]] Balance read_balance(const store::Rows::Row& row);

}  // namespace dropline::points
