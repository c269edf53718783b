#include "dropline/contracts/parts.hpp"

#include <algorithm>

#include "dropline/contracts/catalog_commands.hpp"
#include "dropline/contracts/catalog_events.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"
#include "dropline/crypto/seal.hpp"

namespace dropline::contracts {
namespace {

Error contradiction(std::string what) {
  return error(Errc::contradiction, std::move(what));
}

/// The first of the items whose key comes again, or the end. Lists are bounded by kMaxOffers.
template <class Item, class Key>
const Item* repeated(const std::vector<Item>& items, Key Item::*key) {
  std::vector<const Item*> sorted;
  sorted.reserve(items.size());
  for (const auto& item : items)
    sorted.push_back(&item);
  const auto of = [key](const Item* item) -> const Key& { return item->*key; };
  std::ranges::sort(sorted, {}, of);
  const auto found = std::ranges::adjacent_find(sorted, {}, of);
  return found == sorted.end() ? nullptr : *found;
}

Error repeated_sku(const Sku& sku) {
  return contradiction("names the SKU " + sku.text() + " twice");
}

Status check_either(bool first, bool second, std::string_view names) {
  if (first != second) return {};
  return contradiction("must give exactly one of " + std::string(names));
}

/// One drop, or one member whose orders they are.
template <class Batch>
Status check_batch(const Batch& batch) {
  if (auto status =
          check_either(batch.drop.has_value(), batch.member.has_value(), "drop and member");
      !status)
    return status;
  using Order = typename std::decay_t<decltype(batch.orders)>::value_type;
  if (const auto* order = repeated(batch.orders, &Order::order_id))
    return contradiction("names the order " + order->order_id.text() + " twice");
  if (batch.member && !std::ranges::all_of(batch.orders, [&](const Order& order) {
        return order.member == *batch.member;
      }))
    return contradiction("holds orders of another member");
  return {};
}

}  // namespace

std::string offer_key(const std::optional<DropId>& drop, const Sku& sku) {
  return (drop ? drop->text() : std::string("-")) + '/' + sku.text();
}

Status check_lines(const std::vector<OrderLine>& lines) {
  if (const auto* line = repeated(lines, &OrderLine::sku)) return repeated_sku(line->sku);
  return {};
}

Status check_priced(const std::vector<PricedLine>& lines, const Money& total) {
  Money sum{0, total.currency};
  for (const auto& line : lines) {
    if (line.unit_price.times(line.quantity) != line.amount)
      return contradiction("the amount of " + line.sku.text() + " is not price × quantity");
    const auto next = sum.plus(line.amount);
    if (!next) return contradiction("the lines' amounts do not sum in the total's currency");
    sum = *next;
  }
  if (sum != total) return contradiction("the lines' amounts do not sum to the total");
  if (const auto* line = repeated(lines, &PricedLine::sku)) return repeated_sku(line->sku);
  return {};
}

Status check_refund(const std::vector<RefundLine>& lines, const Money& amount) {
  Money sum{0, amount.currency};
  for (const auto& line : lines) {
    const auto next = sum.plus(line.amount);
    if (!next) return contradiction("the lines' amounts do not sum in the refund's currency");
    sum = *next;
  }
  if (sum != amount) return contradiction("the lines' amounts do not sum to the refund's");
  if (const auto* line = repeated(lines, &RefundLine::sku)) return repeated_sku(line->sku);
  return {};
}

Status check_options(const std::vector<ProductOption>& options) {
  if (const auto* option = repeated(options, &ProductOption::sku)) return repeated_sku(option->sku);
  const ProductOption* priced = nullptr;
  for (const auto& option : options) {
    if (!option.price) continue;
    if (priced != nullptr && priced->price->currency != option.price->currency)
      return contradiction("the options' prices are of different currencies");
    priced = &option;
  }
  return {};
}

Status SealedText::check() const {
  if (crypto::sealed_with(sealed)) return {};
  return contradiction(
      "must be a sealed text (s1.<key id>.<base64url>): personal data enters a "
      "topic in no other form");
}

Status LocalText::check() const {
  if (en || ko) return {};
  return contradiction("must give the text in at least one language (en, ko)");
}

Status DropTerms::check() const {
  if (opens_at >= closes_at) return contradiction("closes_at must be later than opens_at");
  if (const auto* offer = repeated(offers, &OfferTerms::sku)) return repeated_sku(offer->sku);
  const auto& currency = offers.front().price.currency;
  if (!std::ranges::all_of(
          offers, [&](const OfferTerms& offer) { return offer.price.currency == currency; }))
    return contradiction("the offers' prices are of different currencies");
  if (!product_limits) return {};
  if (const auto* limit = repeated(*product_limits, &ProductLimit::product))
    return contradiction("limits the product " + limit->product.text() + " twice");
  for (const auto& limit : *product_limits)
    if (std::ranges::find(offers, limit.product, &OfferTerms::product) == offers.end())
      return contradiction("limits the product " + limit.product.text() + ", which is not offered");
  return {};
}

Status PlaceOrder::check() const {
  return check_lines(lines);
}

Status CorrectStock::check() const {
  if (delta != 0) return {};
  return error(Errc::out_of_range, "delta must not be 0");
}

Status ReleaseUnits::check() const {
  return check_batch(*this);
}
Status SettleUnits::check() const {
  return check_batch(*this);
}
Status UnitsSettled::check() const {
  return check_either(drop.has_value(), member.has_value(), "drop and member");
}

Status DropChangeRefused::check() const {
  if (drop || product) return {};
  return contradiction("must give drop or product");
}

Status CatalogChanged::check() const {
  return check_either(drop.has_value(), product.has_value(), "drop and product");
}

Status CatalogChangeRefused::check() const {
  if (drop || product) return {};
  return contradiction("must give drop or product");
}

Status OfferLevel::check() const {
  if (free + allocated + written_off != supplied)
    return contradiction("free + allocated + written_off must be supplied");
  if (settled > allocated) return contradiction("settled must not be more than allocated");
  return {};
}

}  // namespace dropline::contracts
