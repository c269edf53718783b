#pragma once

#include "dropline/stock/stock.hpp"
#include "dropline/store/table.hpp"

/// How stock's rows look in its tables; shared by what writes and what reads them.
namespace dropline::stock {

using store::Type;

inline constexpr store::Column kDropColumns[] = {
    {"drop_id", Type::uuid},           {"version", Type::int64},      {"revision", Type::int64},
    {"standing", Type::text},          {"opens_at", Type::int64},     {"closes_at", Type::int64},
    {"limit_per_member", Type::int64}, {"lists", Type::json},         {"shard", Type::int64},
    {"place_partition", Type::int64},  {"place_offset", Type::int64}, {"at", Type::int64}};
inline constexpr store::Table kDrops{"stock", "drops", kDropColumns, 1};

inline constexpr store::Column kOfferColumns[] = {
    {"drop_id", Type::uuid},       {"sku", Type::text},
    {"product", Type::uuid},       {"price", Type::int64},
    {"currency", Type::text},      {"member_limit", Type::int64},
    {"supplied", Type::int64},     {"free", Type::int64},
    {"allocated", Type::int64},    {"settled", Type::int64},
    {"written_off", Type::int64},  {"version", Type::int64},
    {"shard", Type::int64},        {"place_partition", Type::int64},
    {"place_offset", Type::int64}, {"at", Type::int64},
    {"withdrawn", Type::boolean}};
inline constexpr store::Table kOffers{"stock", "offers", kOfferColumns, 2};

inline constexpr store::Column kOrderColumns[] = {
    {"order_id", Type::uuid},         {"member", Type::uuid},        {"drop_id", Type::uuid},
    {"outcome", Type::text},          {"reason", Type::text},        {"body_hash", Type::text},
    {"place_partition", Type::int64}, {"place_offset", Type::int64}, {"placed_at", Type::int64},
    {"total", Type::int64},           {"currency", Type::text},      {"lines", Type::json},
    {"settled", Type::boolean}};
inline constexpr store::Table kOrders{"stock", "orders", kOrderColumns, 1};

inline constexpr store::Column kHoldingColumns[] = {{"drop_id", Type::uuid},
                                                    {"member", Type::uuid},
                                                    {"sku", Type::text},
                                                    {"product", Type::uuid},
                                                    {"units", Type::int64}};
inline constexpr store::Table kHoldings{"stock", "holdings", kHoldingColumns, 3};

inline constexpr store::Column kChangeColumns[] = {{"change_id", Type::uuid}, {"at", Type::int64}};
inline constexpr store::Table kChanges{"stock", "changes", kChangeColumns, 1};

/// The nil drop stands for "ordinary" in keys, which cannot be null.
[[nodiscard]] inline Uuid drop_cell(const std::optional<DropId>& drop) {
  return drop ? drop->uuid() : Uuid{};
}
[[nodiscard]] inline std::optional<DropId> drop_of(const Uuid& cell) {
  return cell.nil() ? std::nullopt : std::optional(DropId(cell));
}

[[nodiscard]] std::string drop_lists(const Drop& drop);
[[nodiscard]] std::string order_lines(const Order& order);

/// Errors here mean rows that this program did not write.
[[nodiscard]] Result<Drop> read_drop(const store::Rows::Row& row);
[[nodiscard]] Result<Offer> read_offer(const store::Rows::Row& row);
[[nodiscard]] Result<Order> read_order(const store::Rows::Row& row);

}  // namespace dropline::stock
