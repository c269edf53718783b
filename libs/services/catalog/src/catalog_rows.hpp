#pragma once

#include "dropline/catalog/catalog.hpp"
#include "dropline/store/table.hpp"

/// How catalog's rows look in its tables; shared by what writes and what reads them.
namespace dropline::catalog {

using store::Type;

inline constexpr store::Column kProductColumns[] = {
    {"product_id", Type::uuid}, {"version", Type::int64}, {"retired", Type::boolean},
    {"shard", Type::int64},     {"at", Type::int64},      {"state", Type::json}};
inline constexpr store::Table kProducts{"catalog", "products", kProductColumns, 1};

inline constexpr store::Column kDropColumns[] = {
    {"drop_id", Type::uuid},   {"version", Type::int64},   {"revision", Type::int64},
    {"opens_at", Type::int64}, {"closes_at", Type::int64}, {"shard", Type::int64},
    {"at", Type::int64},       {"listing", Type::json}};
inline constexpr store::Table kDrops{"catalog", "drops", kDropColumns, 1};

inline constexpr store::Column kSkuColumns[] = {{"sku", Type::text}, {"product", Type::uuid}};
inline constexpr store::Table kSkus{"catalog", "skus", kSkuColumns, 1};

inline constexpr store::Column kChangeColumns[] = {{"change_id", Type::uuid},
                                                   {"subject", Type::uuid},
                                                   {"made", Type::boolean},
                                                   {"answer", Type::json},
                                                   {"at", Type::int64}};
inline constexpr store::Table kChanges{"catalog", "changes", kChangeColumns, 2};

void put(store::RowBuffer& rows, const Product& product);
void put(store::RowBuffer& rows, const Drop& drop);
void put(store::RowBuffer& rows, const ChangeKey& key, const Answer& answer, Timestamp now);

/// Errors here mean rows that this program did not write.
[[nodiscard]] Result<Product> read_product(const store::Rows::Row& row);
[[nodiscard]] Result<Drop> read_drop(const store::Rows::Row& row);
[[nodiscard]] Result<Answer> read_answer(const store::Rows::Row& row);

}  // namespace dropline::catalog
