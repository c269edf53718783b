#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `catalog.commands`: what an operator wants sold. Keyed by product or drop; all signed. Pausing,
/// resuming, ending, restocking and correcting go to `orders.commands` directly, because stock
/// decides them.
namespace dropline::contracts {

/// An option of a product: what can be bought. Offered outside drops where it has a price.
struct ProductOption {
  Sku sku;
  LocalText name;
  std::optional<Money> price;
  std::optional<std::int64_t> limit;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sku", self.sku);
    visit("name", self.name);
    visit("price", self.price);
    visit("limit", self.limit, kLimitBounds);
  }
  bool operator==(const ProductOption&) const = default;
};

/// No SKU comes twice, and prices are of one currency.
[[nodiscard]] Status check_options(const std::vector<ProductOption>& options);

/// Makes a product, or replaces all that is said of one.
struct PutProduct {
  static constexpr std::string_view kType = "PutProduct";
  static constexpr std::string_view kTopic = topic::kCatalogCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  ProductId product;
  LocalText name;
  std::optional<std::string> description;
  std::vector<ProductOption> options;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("product", self.product);
    visit("name", self.name);
    visit("description", self.description, Bounds{0, 4'000});
    visit("options", self.options, Bounds{1, kMaxOptions});
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const { return check_options(options); }
  [[nodiscard]] std::string partition_key() const { return product.text(); }
  [[nodiscard]] std::string subject() const { return product.text(); }
  bool operator==(const PutProduct&) const = default;
};

/// Takes a product off the shelves; what was sold of it stays.
struct RetireProduct {
  static constexpr std::string_view kType = "RetireProduct";
  static constexpr std::string_view kTopic = topic::kCatalogCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  ProductId product;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("product", self.product);
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return product.text(); }
  [[nodiscard]] std::string subject() const { return product.text(); }
  bool operator==(const RetireProduct&) const = default;
};

/// Makes a drop, or gives one that is not open yet other terms. Catalog looks at the products and
/// proposes the terms to stock (OpenDrop).
struct ScheduleDrop {
  static constexpr std::string_view kType = "ScheduleDrop";
  static constexpr std::string_view kTopic = topic::kCatalogCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  DropId drop;
  LocalText title;
  DropTerms terms;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("title", self.title);
    DropTerms::fields(self.terms, visit);
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const ScheduleDrop&) const = default;
};

}  // namespace dropline::contracts
