#include "dropline/catalog/catalog_store.hpp"

#include <algorithm>

#include "catalog_rows.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::catalog {
namespace {

void put_key(store::RowBuffer& keys, const ProductId& id) {
  keys.add(id);
}
void put_key(store::RowBuffer& keys, const DropId& id) {
  keys.add(id);
}
void put_key(store::RowBuffer& keys, const Sku& sku) {
  keys.add(sku.text());
}
void put_key(store::RowBuffer& keys, const ChangeKey& key) {
  keys.add(key.change).add(key.subject);
}

template <class Key>
Result<store::Rows> rows_of(store::Session& session, const store::Table& table,
                            std::vector<Key>& wanted) {
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  auto keys = store::RowBuffer::keys(table);
  keys.reserve(wanted.size());
  for (const auto& key : wanted)
    put_key(keys, key);
  return store::load(session, table, keys);
}

Status take_products(const Result<store::Rows>& rows, Book& book) {
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto product = read_product(row);
    if (!product) return product.error();
    const auto id = product->state.product;
    book.products.emplace(id, std::move(*product));
  }
  return {};
}

Status take_drops(const Result<store::Rows>& rows, Book& book) {
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto drop = read_drop(row);
    if (!drop) return drop.error();
    const auto id = drop->listing.drop;
    book.drops.emplace(id, std::move(*drop));
  }
  return {};
}

Status take_skus(const Result<store::Rows>& rows, Book& book) {
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const auto sku = Sku::parse(row.text(0));
    if (!sku)
      return store::error(store::Errc::failed,
                          "catalog.skus holds '" + std::string(row.text(0)) + "', no SKU's name");
    book.skus.emplace(*sku, row.id<ProductId>(1));
  }
  return {};
}

Status take_changes(const Result<store::Rows>& rows, Book& book) {
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto answer = read_answer(row);
    if (!answer) return answer.error();
    book.changes.emplace(ChangeKey{row.id<contracts::ChangeId>(0), row.uuid(1)},
                         std::move(*answer));
  }
  return {};
}

Status add_skus(store::Session& session, const Book& book) {
  store::RowBuffer rows(kSkus);
  for (const auto& sku : book.skus_new)
    rows.add(sku.text()).add(book.skus.at(sku));
  auto added = store::insert(session, kSkus, rows, store::OnConflict::ignore);
  if (!added) return added.error();
  if (*added != rows.size())
    return store::error(store::Errc::serialization,
                        "another shard took a SKU of this batch for one of its products");
  return {};
}

store::RowBuffer shard_keys(const store::Table& table, std::span<const std::int32_t> shards) {
  auto keys = store::RowBuffer::keys(table, {"shard"});
  for (const auto shard : shards)
    keys.add(shard);
  return keys;
}

}  // namespace

Result<Book> load(store::Session& session, Wanted wanted) {
  Book book;
  if (auto done = take_products(rows_of(session, kProducts, wanted.products), book); !done)
    return done.error();
  if (auto done = take_drops(rows_of(session, kDrops, wanted.drops), book); !done)
    return done.error();
  if (auto done = take_skus(rows_of(session, kSkus, wanted.skus), book); !done) return done.error();
  if (auto done = take_changes(rows_of(session, kChanges, wanted.changes), book); !done)
    return done.error();
  return book;
}

Status save(store::Session& session, const Book& book, Timestamp now) {
  if (auto done = add_skus(session, book); !done) return done;
  store::RowBuffer products(kProducts);
  for (const auto& id : book.products_changed)
    put(products, book.products.at(id));
  store::RowBuffer drops(kDrops);
  for (const auto& id : book.drops_changed)
    put(drops, book.drops.at(id));
  store::RowBuffer changes(kChanges);
  for (const auto& key : book.changes_new)
    put(changes, key, book.changes.at(key), now);
  if (auto done = store::upsert(session, kProducts, products); !done) return done;
  if (auto done = store::upsert(session, kDrops, drops); !done) return done;
  auto added = store::insert(session, kChanges, changes);
  if (!added) return added.error();
  return {};
}

Result<Book> load_shards(store::Session& session, std::span<const std::int32_t> shards,
                         Timestamp since) {
  Book book;
  const auto products = store::load(session, kProducts, shard_keys(kProducts, shards));
  if (auto done = take_products(products, book); !done) return done.error();
  const auto drops = store::load(session, kDrops, shard_keys(kDrops, shards));
  if (auto done = take_drops(drops, book); !done) return done.error();
  std::erase_if(book.products, [since](const auto& entry) {
    return entry.second.state.retired && entry.second.at < since;
  });
  std::erase_if(book.drops, [since](const auto& entry) {
    return entry.second.listing.terms.closes_at < since;
  });
  return book;
}

}  // namespace dropline::catalog
