#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/ordering/ordering.hpp"
#include "dropline/store/database.hpp"

namespace dropline::ordering {

/// Absent where stock's fact is not in yet, or it is another member's. Blocks for the database.
[[nodiscard]] Result<std::optional<Order>> find_order(store::Session& session, const OrderId& id,
                                                      const MemberId& member);

/// The end of a page: what follows was placed before it, or at that time under a lower id.
struct Cursor {
  Timestamp placed_at;
  OrderId order;
  auto operator<=>(const Cursor&) const = default;
};

enum class Listing {
  open,  ///< the default list: without orders that expired
  all,
};

inline constexpr std::int64_t kMaxPage = 100;

struct Page {
  std::vector<Order> orders;   ///< newest first
  std::optional<Cursor> next;  ///< absent: this is the last page
};

/// A member's orders, newest first: those behind `after` (absent: from the newest), at most `limit`
/// (1 to kMaxPage; what is beyond counts as the nearest of these). Blocks for the database.
[[nodiscard]] Result<Page> orders_page(store::Session& session, const MemberId& member,
                                       Listing listing, const std::optional<Cursor>& after,
                                       std::int64_t limit);

/// What an export is of.
struct Period {
  std::optional<DropId> drop;  ///< absent: of all drops and of none
  Timestamp from;
  Timestamp until;  ///< exclusive
};

inline constexpr std::int64_t kMaxExportPage = 1'000;

/// Orders placed in the period, by their ids: those behind `after`, at most `limit` (1 to
/// kMaxExportPage; beyond it the nearest). Walks the table in key order: for operators, not for
/// shoppers. Two statements.
[[nodiscard]] Result<std::vector<Order>> export_page(store::Session& session, const Period& period,
                                                     const std::optional<OrderKey>& after,
                                                     std::int64_t limit);

}  // namespace dropline::ordering
