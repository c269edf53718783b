#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `catalog.events`: the answer to each catalog command, keyed as the command was.
namespace dropline::contracts {

struct CatalogChanged {
  static constexpr std::string_view kType = "CatalogChanged";
  static constexpr std::string_view kTopic = topic::kCatalogEvents;

  ChangeId change;
  std::string command;  ///< its type
  std::optional<DropId> drop;
  std::optional<ProductId> product;  ///< given exactly where `drop` is not
  std::int64_t version = 0;          ///< of what is in `catalog.products` now
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("command", self.command, kNameBounds);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("version", self.version, kVersionBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return either_key(drop, product); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const CatalogChanged&) const = default;
};

enum class CatalogRefusal {
  unknown_product,
  unknown_sku,  ///< the SKU is not an option of the product named
  retired,
  sku_taken,  ///< the SKU belongs to another product
  drop_open,  ///< terms are fixed
  drop_ended,
  has_orders,  ///< membership is fixed once orders exist
};
constexpr auto names_of(CatalogRefusal) {
  return std::to_array<std::string_view>({"unknown_product", "unknown_sku", "retired", "sku_taken",
                                          "drop_open", "drop_ended", "has_orders"});
}

struct CatalogChangeRefused {
  static constexpr std::string_view kType = "CatalogChangeRefused";
  static constexpr std::string_view kTopic = topic::kCatalogEvents;

  ChangeId change;
  std::string command;
  std::optional<DropId> drop;
  std::optional<ProductId> product;
  std::optional<Sku> sku;
  CatalogRefusal reason = CatalogRefusal::unknown_product;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("command", self.command, kNameBounds);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("reason", self.reason);
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return either_key(drop, product); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const CatalogChangeRefused&) const = default;
};

}  // namespace dropline::contracts
