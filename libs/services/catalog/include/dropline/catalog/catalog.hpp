#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "dropline/contracts/catalog_commands.hpp"
#include "dropline/contracts/catalog_events.hpp"
#include "dropline/contracts/catalog_products.hpp"
#include "dropline/contracts/orders_commands.hpp"

/// What is sold, and when: the rules, without a clock, a database or a stream. Catalog proposes,
/// stock decides: what is refused here is what catalog can know by itself; whatever it accepts is
/// still judged by stock at the proposal's place in the log.
namespace dropline::catalog {

/// A row: what was last told of it, and by which shard.
struct Product {
  contracts::ProductState state;
  std::int32_t shard = 0;
  Timestamp at;
};
struct Drop {
  contracts::DropListing listing;
  std::int32_t shard = 0;
  Timestamp at;
};

/// A change by its id and what it is about (its product or drop).
struct ChangeKey {
  contracts::ChangeId change;
  Uuid subject;
  auto operator<=>(const ChangeKey&) const = default;
};

using Answer = std::variant<contracts::CatalogChanged, contracts::CatalogChangeRefused>;

/// The rows that a batch needs, and which of them it changed. Whoever decides must have loaded: the
/// change; for a product itself and the SKUs of its options; for a drop itself and the products of
/// its offers, which may be rows of other shards and are only read.
struct Book {
  std::map<ProductId, Product> products;
  std::map<DropId, Drop> drops;
  std::map<Sku, ProductId> skus;
  std::map<ChangeKey, Answer> changes;

  std::set<ProductId> products_changed;
  std::set<DropId> drops_changed;
  std::set<Sku> skus_new;
  std::set<ChangeKey> changes_new;

  [[nodiscard]] const Product* product(const ProductId& id) const;
  [[nodiscard]] const Drop* drop(const DropId& id) const;
};

/// Which shard decides, and when the log took the record.
struct Placed {
  std::int32_t shard = 0;
  Timestamp at;
};

/// What came of a command. A change that was answered before is answered again, and nothing else
/// happens.
struct Decision {
  Answer answer;
  std::vector<contracts::PutOffer> offers;      ///< for stock: ordinary offers put or withdrawn
  std::optional<contracts::OpenDrop> proposal;  ///< for stock: the drop's terms
};

[[nodiscard]] Decision decide(Book& book, const contracts::PutProduct& command,
                              const Placed& placed);
[[nodiscard]] Decision decide(Book& book, const contracts::RetireProduct& command,
                              const Placed& placed);
[[nodiscard]] Decision decide(Book& book, const contracts::ScheduleDrop& command,
                              const Placed& placed);

/// The change under which stock is asked to put the offer of an option: one for each of a product's
/// options, the same whenever it is computed.
[[nodiscard]] contracts::ChangeId offer_change(const contracts::ChangeId& change, const Sku& sku);

}  // namespace dropline::catalog
