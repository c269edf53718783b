#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/catalog/catalog.hpp"
#include "dropline/store/database.hpp"

/// What an operator may look up. Shoppers are served from `catalog.products` and `stock.levels`.
namespace dropline::catalog {

[[nodiscard]] Result<std::optional<Product>> find_product(store::Session& session,
                                                          const ProductId& id);
[[nodiscard]] Result<std::optional<Drop>> find_drop(store::Session& session, const DropId& id);

inline constexpr std::int64_t kMaxPage = 200;

/// Products by id, those after `after` (absent: from the first), at most `limit` (1 to kMaxPage;
/// beyond it kMaxPage).
[[nodiscard]] Result<std::vector<Product>> product_page(store::Session& session,
                                                        const std::optional<ProductId>& after,
                                                        std::int64_t limit);

/// Where a page of drops ended.
struct DropCursor {
  Timestamp opens_at;
  DropId drop;
};

/// Drops by the time they open, latest first, those before `before` (absent: from the latest), at
/// most `limit` as above.
[[nodiscard]] Result<std::vector<Drop>> drop_page(store::Session& session,
                                                  const std::optional<DropCursor>& before,
                                                  std::int64_t limit);

}  // namespace dropline::catalog
