#include "dropline/catalog/catalog_queries.hpp"

#include <algorithm>

#include "catalog_rows.hpp"

namespace dropline::catalog {
namespace {

template <class Row>
Result<std::vector<Row>> read_all(const Result<store::Rows>& rows,
                                  Result<Row> (*read)(const store::Rows::Row&)) {
  if (!rows) return rows.error();
  std::vector<Row> out;
  out.reserve(rows->size());
  for (const auto row : *rows) {
    auto value = read(row);
    if (!value) return value.error();
    out.push_back(std::move(*value));
  }
  return out;
}

template <class Row, class Key>
Result<std::optional<Row>> find_one(store::Session& session, const store::Table& table,
                                    const Key& key, Result<Row> (*read)(const store::Rows::Row&)) {
  auto keys = store::RowBuffer::keys(table);
  keys.add(key);
  auto rows = read_all(store::load(session, table, keys), read);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows->front()));
}

constexpr store::Statement kProductPage{
    "product_page", "catalog",
    "SELECT product_id, version, retired, shard, at, state FROM {products} "
    "WHERE product_id > :after ORDER BY product_id LIMIT :limit"};

constexpr store::Statement kDropPage{
    "drop_page", "catalog",
    "SELECT drop_id, version, revision, opens_at, closes_at, shard, at, listing FROM {drops} "
    "WHERE opens_at < :opens_at OR (opens_at = :opens_at AND drop_id < :drop) "
    "ORDER BY opens_at DESC, drop_id DESC LIMIT :limit"};

/// Beyond any drop.
const DropCursor kEnd{Timestamp::max(), DropId()};

}  // namespace

Result<std::optional<Product>> find_product(store::Session& session, const ProductId& id) {
  return find_one(session, kProducts, id, read_product);
}

Result<std::optional<Drop>> find_drop(store::Session& session, const DropId& id) {
  return find_one(session, kDrops, id, read_drop);
}

Result<std::vector<Product>> product_page(store::Session& session,
                                          const std::optional<ProductId>& after,
                                          std::int64_t limit) {
  store::Params params;
  params.add("after", after.value_or(ProductId()))
      .add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  return read_all(
      store::query(session, kProductPage, params,
                   {Type::uuid, Type::int64, Type::boolean, Type::int64, Type::int64, Type::json}),
      read_product);
}

Result<std::vector<Drop>> drop_page(store::Session& session,
                                    const std::optional<DropCursor>& before, std::int64_t limit) {
  const auto from = before.value_or(kEnd);
  store::Params params;
  params.add("opens_at", from.opens_at)
      .add("drop", from.drop)
      .add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  return read_all(store::query(session, kDropPage, params,
                               {Type::uuid, Type::int64, Type::int64, Type::int64, Type::int64,
                                Type::int64, Type::int64, Type::json}),
                  read_drop);
}

}  // namespace dropline::catalog
