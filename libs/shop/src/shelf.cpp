#include "dropline/shop/shelf.hpp"

#include <algorithm>
#include <mutex>

#include "dropline/contracts/envelope.hpp"

namespace dropline::shop {
namespace {

using namespace contracts;  // NOLINT: this file is about what they tell

/// Keeps the record of a key with the highest version.
template <class Map, class Value>
void keep_newest(Map& map, const typename Map::key_type& key, Value value) {
  const auto found = map.find(key);
  if (found == map.end()) {
    map.emplace(key, std::move(value));
  } else if (found->second.version < value.version) {
    found->second = std::move(value);
  }
}

template <class Map, class Key, class Assemble>
auto page(const Map& map, const std::optional<Key>& after, std::size_t limit, Assemble assemble) {
  std::vector<decltype(assemble(map.begin()->second))> out;
  for (auto at = after ? map.upper_bound(*after) : map.begin();
       at != map.end() && out.size() < limit; ++at)
    out.push_back(assemble(at->second));
  return out;
}

}  // namespace

Shelf::Shelf(const Clock& clock, std::int32_t partitions)
    : clock_(clock), heard_(static_cast<std::size_t>(partitions)) {}

void Shelf::take(const stream::Record& record) {
  const auto envelope = parse_envelope(record);
  if (!envelope) return;
  auto told =
      decode_any<OfferLevel, DropLevel, ShardHeartbeat, ProductState, DropListing>(*envelope);
  if (!told) return;
  const std::lock_guard guard(lock_);
  if (auto* offer = std::get_if<OfferLevel>(&*told)) return take_offer(std::move(*offer));
  if (auto* drop = std::get_if<DropLevel>(&*told)) return take_drop(std::move(*drop));
  if (auto* product = std::get_if<ProductState>(&*told)) return take_product(std::move(*product));
  if (auto* listing = std::get_if<DropListing>(&*told)) return take_listing(std::move(*listing));
  const auto& beat = std::get<ShardHeartbeat>(*told);
  const auto shard = static_cast<std::size_t>(beat.shard);
  if (shard >= heard_.size()) return;
  auto& heard = heard_[shard];
  if (!heard || *heard < beat.at) heard = beat.at;
}

void Shelf::take_offer(OfferLevel level) {
  const OfferKey key{level.drop.value_or(DropId()), level.sku};
  keep_newest(offers_, key, std::move(level));
}

void Shelf::take_drop(DropLevel level) {
  const auto key = level.drop;
  keep_newest(drops_, key, std::move(level));
}

void Shelf::take_product(ProductState state) {
  const auto key = state.product;
  keep_newest(products_, key, std::move(state));
}

void Shelf::take_listing(DropListing listing) {
  const auto key = listing.drop;
  keep_newest(listings_, key, std::move(listing));
}

const OfferLevel* Shelf::offer(const DropId& drop, const Sku& sku) const {
  const auto found = offers_.find({drop, sku});
  return found == offers_.end() ? nullptr : &found->second;
}

Shelf::Drop Shelf::assembled(const DropLevel& level) const {
  Drop out{level, {}, std::nullopt};
  for (const auto& sku : level.skus)
    if (const auto* found = offer(level.drop, sku)) out.offers.push_back(*found);
  if (const auto found = listings_.find(level.drop); found != listings_.end())
    out.listing = found->second;
  return out;
}

Shelf::Product Shelf::assembled(const ProductState& state) const {
  Product out{state, {}};
  for (const auto& option : state.options)
    if (const auto* found = offer(DropId(), option.sku)) out.offers.push_back(*found);
  return out;
}

std::optional<Shelf::Drop> Shelf::drop(const DropId& id) const {
  const std::shared_lock guard(lock_);
  const auto found = drops_.find(id);
  if (found == drops_.end()) return std::nullopt;
  return assembled(found->second);
}

std::vector<Shelf::Drop> Shelf::drops(const std::optional<DropId>& after, std::size_t limit) const {
  const std::shared_lock guard(lock_);
  return page(drops_, after, limit, [this](const DropLevel& level) { return assembled(level); });
}

std::optional<Shelf::Product> Shelf::product(const ProductId& id) const {
  const std::shared_lock guard(lock_);
  const auto found = products_.find(id);
  if (found == products_.end()) return std::nullopt;
  return assembled(found->second);
}

std::vector<Shelf::Product> Shelf::products(const std::optional<ProductId>& after,
                                            std::size_t limit) const {
  const std::shared_lock guard(lock_);
  return page(products_, after, limit,
              [this](const ProductState& state) { return assembled(state); });
}

std::optional<Sku> Shelf::sold_out(const std::optional<DropId>& drop,
                                   const std::vector<OrderLine>& lines) const {
  const auto old = age();
  if (!old || *old > kFresh) return std::nullopt;
  const std::shared_lock guard(lock_);
  for (const auto& line : lines) {
    const auto* found = offer(drop.value_or(DropId()), line.sku);
    if (!found || found->withdrawn.value_or(false))
      return std::nullopt;  // stock has another word for it
    if (found->free + found->allocated - found->settled < line.quantity) return line.sku;
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> Shelf::age() const {
  const std::shared_lock guard(lock_);
  std::optional<Timestamp> oldest;
  for (const auto& heard : heard_) {
    if (!heard) return std::nullopt;
    if (!oldest || *heard < *oldest) oldest = *heard;
  }
  if (!oldest) return std::nullopt;
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - *oldest),
                  std::chrono::milliseconds(0));
}

DropPhase phase_of(const DropLevel& level, Timestamp now) {
  if (level.state == DropStanding::ended) return DropPhase::ended;
  if (now >= level.closes_at) return DropPhase::closed;
  if (level.state == DropStanding::paused) return DropPhase::paused;
  return now < level.opens_at ? DropPhase::scheduled : DropPhase::open;
}

}  // namespace dropline::shop
