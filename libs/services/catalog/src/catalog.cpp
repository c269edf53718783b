#include "dropline/catalog/catalog.hpp"

#include <algorithm>

#include "dropline/crypto/sha256.hpp"

namespace dropline::catalog {
namespace {

using namespace contracts;  // NOLINT: this file speaks of nothing else

constexpr std::string_view kOfferDomain("dropline catalog offer 1\0", 25);

template <class Map, class Key>
const auto* find_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

template <class Command>
ChangeKey key_of(const Command& command) {
  if constexpr (requires { command.drop; })
    return {command.change, command.drop.uuid()};
  else
    return {command.change, command.product.uuid()};
}

/// Who and what an answer is about.
template <class Reply, class Command>
Reply reply_to(const Command& command) {
  Reply reply;
  reply.change = command.change;
  reply.command = Command::kType;
  if constexpr (requires { command.drop; })
    reply.drop = command.drop;
  else
    reply.product = command.product;
  reply.actor = command.actor;
  return reply;
}

void keep(Book& book, const ChangeKey& key, const Answer& answer) {
  book.changes.emplace(key, answer);
  book.changes_new.insert(key);
}

template <class Command>
Decision changed(Book& book, const Command& command, std::int64_t version) {
  auto reply = reply_to<CatalogChanged>(command);
  reply.version = version;
  keep(book, key_of(command), reply);
  return {reply, {}, {}};
}

/// Why a change is not made.
struct Refusal {
  CatalogRefusal reason;
  std::optional<Sku> sku = {};
};

template <class Command>
Decision refused(Book& book, const Command& command, const Refusal& refusal) {
  auto reply = reply_to<CatalogChangeRefused>(command);
  reply.reason = refusal.reason;
  reply.sku = refusal.sku;
  keep(book, key_of(command), reply);
  return {reply, {}, {}};
}

template <class Command>
PutOffer offer_of(const Command& command, const ProductOption& option) {
  PutOffer offer;
  offer.change = offer_change(command.change, option.sku);
  offer.product = command.product;
  offer.sku = option.sku;
  offer.price = *option.price;
  offer.limit = option.limit;
  offer.actor = command.actor;
  return offer;
}

template <class Command>
PutOffer withdrawal_of(const Command& command, const ProductOption& option) {
  auto offer = offer_of(command, option);
  offer.withdrawn = true;
  return offer;
}

const ProductOption* option_of(const ProductState& product, const Sku& sku) {
  const auto found = std::ranges::find(product.options, sku, &ProductOption::sku);
  return found == product.options.end() ? nullptr : &*found;
}

/// What had a price and has none any more goes off sale.
std::vector<PutOffer> offers_of(const PutProduct& command, const Product* before) {
  std::vector<PutOffer> offers;
  for (const auto& option : command.options)
    if (option.price) offers.push_back(offer_of(command, option));
  if (!before) return offers;
  for (const auto& option : before->state.options) {
    if (!option.price) continue;
    const auto now = std::ranges::find(command.options, option.sku, &ProductOption::sku);
    if (now == command.options.end() || !now->price)
      offers.push_back(withdrawal_of(command, option));
  }
  return offers;
}

std::optional<Refusal> check_offers(const Book& book, const DropTerms& terms) {
  for (const auto& offer : terms.offers) {
    const auto* product = book.product(offer.product);
    if (!product) return Refusal{CatalogRefusal::unknown_product, offer.sku};
    if (product->state.retired) return Refusal{CatalogRefusal::retired, offer.sku};
    if (!option_of(product->state, offer.sku))
      return Refusal{CatalogRefusal::unknown_sku, offer.sku};
  }
  return std::nullopt;
}

}  // namespace

const Product* Book::product(const ProductId& id) const {
  return find_in(products, id);
}
const Drop* Book::drop(const DropId& id) const {
  return find_in(drops, id);
}

ChangeId offer_change(const ChangeId& change, const Sku& sku) {
  crypto::Sha256 hash;
  const auto digest =
      hash.update(kOfferDomain).update(change.uuid().bytes).update(sku.text()).finish();
  Uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return ChangeId(id);
}

Decision decide(Book& book, const PutProduct& command, const Placed& placed) {
  if (const auto* answered = find_in(book.changes, key_of(command))) return {*answered, {}, {}};
  const auto* before = book.product(command.product);
  if (before && before->state.retired) return refused(book, command, {CatalogRefusal::retired});
  for (const auto& option : command.options) {
    const auto* owner = find_in(book.skus, option.sku);
    if (owner && *owner != command.product)
      return refused(book, command, {CatalogRefusal::sku_taken, option.sku});
  }
  auto offers = offers_of(command, before);
  for (const auto& option : command.options)
    if (book.skus.emplace(option.sku, command.product).second) book.skus_new.insert(option.sku);
  auto& row = book.products[command.product];
  row.state.product = command.product;
  ++row.state.version;
  row.state.name = command.name;
  row.state.description = command.description;
  row.state.options = command.options;
  row.shard = placed.shard;
  row.at = placed.at;
  book.products_changed.insert(command.product);
  auto decision = changed(book, command, row.state.version);
  decision.offers = std::move(offers);
  return decision;
}

Decision decide(Book& book, const RetireProduct& command, const Placed& placed) {
  if (const auto* answered = find_in(book.changes, key_of(command))) return {*answered, {}, {}};
  const auto known = book.products.find(command.product);
  if (known == book.products.end())
    return refused(book, command, {CatalogRefusal::unknown_product});
  auto& row = known->second;
  if (row.state.retired) return refused(book, command, {CatalogRefusal::retired});
  row.state.retired = true;
  ++row.state.version;
  row.shard = placed.shard;
  row.at = placed.at;
  book.products_changed.insert(command.product);
  auto decision = changed(book, command, row.state.version);
  for (const auto& option : row.state.options)
    if (option.price) decision.offers.push_back(withdrawal_of(command, option));
  return decision;
}

Decision decide(Book& book, const ScheduleDrop& command, const Placed& placed) {
  if (const auto* answered = find_in(book.changes, key_of(command))) return {*answered, {}, {}};
  const auto* before = book.drop(command.drop);
  const bool open = before && placed.at >= before->listing.terms.opens_at;
  const bool ended = before && placed.at >= before->listing.terms.closes_at;
  const bool same_terms = before && before->listing.terms == command.terms;
  if (ended || placed.at >= command.terms.closes_at)
    return refused(book, command, {CatalogRefusal::drop_ended});
  if (open && !same_terms) return refused(book, command, {CatalogRefusal::drop_open});
  if (!open)
    if (const auto wrong = check_offers(book, command.terms)) return refused(book, command, *wrong);

  auto& row = book.drops[command.drop];
  row.listing.drop = command.drop;
  ++row.listing.version;
  row.listing.title = command.title;
  row.shard = placed.shard;
  row.at = placed.at;
  book.drops_changed.insert(command.drop);
  auto decision = changed(book, command, row.listing.version);
  if (open) return decision;  // Its title may still change.
  ++row.listing.revision;
  row.listing.terms = command.terms;
  OpenDrop proposal;
  proposal.change = command.change;
  proposal.drop = command.drop;
  proposal.revision = row.listing.revision;
  proposal.terms = command.terms;
  proposal.actor = command.actor;
  decision.proposal = std::move(proposal);
  return decision;
}

}  // namespace dropline::catalog
