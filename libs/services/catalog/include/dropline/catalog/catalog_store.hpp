#pragma once

#include <span>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/catalog/catalog.hpp"
#include "dropline/store/database.hpp"

namespace dropline::catalog {

/// Which rows a batch needs. Duplicates do no harm.
struct Wanted {
  std::vector<ProductId> products;
  std::vector<DropId> drops;
  std::vector<Sku> skus;
  std::vector<ChangeKey> changes;
};

/// Loads a batch's rows, a statement a table. Products of other shards are read as committed.
/// Within the caller's transaction.
[[nodiscard]] Result<Book> load(store::Session& session, Wanted wanted);

/// Writes what changed, a statement a table. Where another shard has taken one of the new SKUs
/// since they were loaded: store::Errc::serialization, which is transient; the batch, tried again,
/// sees whose it is.
[[nodiscard]] Status save(store::Session& session, const Book& book, Timestamp now);

/// The products and drops last changed by these shards, for their new owner to publish again; of
/// retired products and closed drops those since `since`.
[[nodiscard]] Result<Book> load_shards(store::Session& session,
                                       std::span<const std::int32_t> shards, Timestamp since);

}  // namespace dropline::catalog
