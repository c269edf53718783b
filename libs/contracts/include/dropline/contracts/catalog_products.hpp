#pragma once

#include "dropline/contracts/catalog_commands.hpp"

/// `catalog.products`: what is known of products and drops now, compacted. Written to the partition
/// of the shard that owns it. Readers keep the highest version of each key.
namespace dropline::contracts {

/// What is known of a product. Key: the product.
struct ProductState {
  static constexpr std::string_view kType = "ProductState";
  static constexpr std::string_view kTopic = topic::kCatalogProducts;

  ProductId product;
  std::int64_t version = 0;
  LocalText name;
  std::optional<std::string> description;
  std::vector<ProductOption> options;
  bool retired = false;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("product", self.product);
    visit("version", self.version, kVersionBounds);
    visit("name", self.name);
    visit("description", self.description, Bounds{0, 4'000});
    visit("options", self.options, Bounds{1, kMaxOptions});
    visit("retired", self.retired);
  }
  [[nodiscard]] Status check() const { return check_options(options); }
  [[nodiscard]] std::string partition_key() const { return product.text(); }
  [[nodiscard]] std::string subject() const { return product.text(); }
  bool operator==(const ProductState&) const = default;
};

/// What catalog proposed. What is in force is told by `stock.levels` (DropLevel). Key: the drop.
struct DropListing {
  static constexpr std::string_view kType = "DropListing";
  static constexpr std::string_view kTopic = topic::kCatalogProducts;

  DropId drop;
  std::int64_t version = 0;
  std::int64_t revision = 0;  ///< of the terms, as in OpenDrop
  LocalText title;
  DropTerms terms;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("version", self.version, kVersionBounds);
    visit("revision", self.revision, kVersionBounds);
    visit("title", self.title);
    DropTerms::fields(self.terms, visit);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const DropListing&) const = default;
};

}  // namespace dropline::contracts
