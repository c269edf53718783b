// Changes of drops and offers: what operators and catalog ask for, judged beside the orders.
#include <algorithm>

#include "dropline/stock/stock.hpp"

namespace dropline::stock {
namespace {

using namespace contracts;  // NOLINT: this file speaks of nothing else

template <class Command>
DropChangeRefused refused(const Command& command, const Placed& placed, ChangeRefusal reason) {
  DropChangeRefused answer;
  answer.change = command.change;
  answer.command = Command::kType;
  if constexpr (requires { *command.drop; }) {
    answer.drop = command.drop;
    if (!command.drop) answer.product = command.product;
  } else {
    answer.drop = command.drop;
  }
  if constexpr (requires { command.sku; }) answer.sku = command.sku;
  answer.reason = reason;
  answer.actor = command.actor;
  answer.place = placed.place;
  return answer;
}

/// False where the change was made, or refused, before.
bool first_time(Book& book, const ChangeId& change) {
  if (!book.changes.insert(change).second) return false;
  book.changes_new.insert(change);
  return true;
}

void place(Book& book, Offer& offer, const Placed& placed) {
  offer.place = placed.place;
  offer.at = placed.at;
  offer.shard = placed.place.partition;
  book.offers_changed.insert(offer.key);
}

void place(Book& book, Drop& drop, const Placed& placed) {
  drop.place = placed.place;
  drop.at = placed.at;
  drop.shard = placed.place.partition;
  book.drops_changed.insert(drop.id);
}

/// Terms move freely until the drop opens; then they are a promise.
bool fixed(const Drop& drop, Timestamp at) {
  return drop.standing == DropStanding::ended || at >= drop.opens_at;
}

/// A log's clock may step back (a broker of another mind leads on): units once promised fix the
/// terms too, whatever time it says it is.
bool promised(const Book& book, const DropId& drop) {
  return std::ranges::any_of(book.offers, [&drop](const auto& entry) {
    return entry.first.drop == drop && entry.second.allocated > 0;
  });
}

void put_offers(Book& book, const OpenDrop& command, const Placed& placed) {
  for (auto& [key, offer] : book.offers) {
    if (key.drop != command.drop) continue;
    offer.supplied = 0;
    offer.written_off = 0;
    place(book, offer, placed);
  }
  for (const auto& terms : command.terms.offers) {
    const OfferKey key{command.drop, terms.sku};
    auto& offer = book.offers[key];
    offer.key = key;
    offer.product = terms.product;
    offer.price = terms.price;
    offer.limit = terms.limit;
    offer.supplied = terms.units;
    offer.withdrawn = false;
    place(book, offer, placed);
  }
}

template <class Answer, class Command>
ChangeAnswer switched(Book& book, Drop& drop, DropStanding to, const Command& command,
                      const Placed& placed) {
  drop.standing = to;
  place(book, drop, placed);
  Answer answer;
  answer.change = command.change;
  answer.drop = command.drop;
  answer.reason = command.reason;
  answer.actor = command.actor;
  answer.place = placed.place;
  answer.at = placed.at;
  return answer;
}

template <class Answer, class Command>
Answer counted(const Command& command, const Offer& offer, std::int64_t delta,
               const Placed& placed) {
  Answer answer;
  answer.change = command.change;
  answer.drop = command.drop;
  answer.product = command.product;
  answer.sku = command.sku;
  answer.delta = delta;
  answer.supplied = offer.supplied;
  answer.free = offer.free();
  answer.reason = command.reason;
  answer.actor = command.actor;
  answer.place = placed.place;
  return answer;
}

/// What Restock and CorrectStock need to be so.
template <class Command>
std::optional<ChangeRefusal> check_offer(Book& book, const Command& command, const Offer* offer) {
  if (command.drop) {
    const auto* drop = book.drop(*command.drop);
    if (!drop) return ChangeRefusal::unknown_drop;
    if (drop->standing == DropStanding::ended) return ChangeRefusal::already_ended;
    if (std::ranges::find(drop->skus, command.sku) == drop->skus.end())
      return ChangeRefusal::unknown_offer;
  }
  if (!offer) return ChangeRefusal::unknown_offer;
  if (offer->product != command.product) return ChangeRefusal::wrong_product;
  return std::nullopt;
}

}  // namespace

ChangeAnswer change(Book& book, const OpenDrop& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  if (const auto* known = book.drop(command.drop)) {
    if (known->standing == DropStanding::ended)
      return refused(command, placed, ChangeRefusal::already_ended);
    if (command.revision <= known->revision)
      return refused(command, placed, ChangeRefusal::old_revision);
    if (fixed(*known, placed.at) || promised(book, command.drop))
      return refused(command, placed, ChangeRefusal::terms_fixed);
  }
  auto& drop = book.drops[command.drop];
  drop.id = command.drop;
  drop.revision = command.revision;
  drop.opens_at = command.terms.opens_at;
  drop.closes_at = command.terms.closes_at;
  drop.limit_per_member = command.terms.limit_per_member;
  drop.product_limits =
      command.terms.product_limits.value_or(std::vector<contracts::ProductLimit>());
  drop.skus.clear();
  for (const auto& offer : command.terms.offers)
    drop.skus.push_back(offer.sku);
  place(book, drop, placed);
  put_offers(book, command, placed);
  DropOpened answer;
  answer.change = command.change;
  answer.drop = command.drop;
  answer.revision = command.revision;
  answer.opens_at = drop.opens_at;
  answer.closes_at = drop.closes_at;
  answer.actor = command.actor;
  answer.place = placed.place;
  return answer;
}

ChangeAnswer change(Book& book, const PauseDrop& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  auto* drop = book.drop(command.drop);
  if (!drop) return refused(command, placed, ChangeRefusal::unknown_drop);
  if (drop->standing == DropStanding::ended)
    return refused(command, placed, ChangeRefusal::already_ended);
  if (drop->standing == DropStanding::paused)
    return refused(command, placed, ChangeRefusal::already_paused);
  return switched<DropPaused>(book, *drop, DropStanding::paused, command, placed);
}

ChangeAnswer change(Book& book, const ResumeDrop& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  auto* drop = book.drop(command.drop);
  if (!drop) return refused(command, placed, ChangeRefusal::unknown_drop);
  if (drop->standing == DropStanding::ended)
    return refused(command, placed, ChangeRefusal::already_ended);
  if (drop->standing != DropStanding::paused)
    return refused(command, placed, ChangeRefusal::not_paused);
  return switched<DropResumed>(book, *drop, DropStanding::active, command, placed);
}

ChangeAnswer change(Book& book, const EndDrop& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  auto* drop = book.drop(command.drop);
  if (!drop) return refused(command, placed, ChangeRefusal::unknown_drop);
  if (drop->standing == DropStanding::ended)
    return refused(command, placed, ChangeRefusal::already_ended);
  return switched<DropEnded>(book, *drop, DropStanding::ended, command, placed);
}

ChangeAnswer change(Book& book, const Restock& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  auto* offer = book.offer({command.drop, command.sku});
  if (const auto wrong = check_offer(book, command, offer)) return refused(command, placed, *wrong);
  if (offer->supplied > kMaxUnits - command.units)
    return refused(command, placed, ChangeRefusal::too_many_units);
  offer->supplied += command.units;
  place(book, *offer, placed);
  return counted<StockRestocked>(command, *offer, command.units, placed);
}

/// Too few were counted: they are added. Too many: they are written off, so that the books still
/// say what was once supplied.
ChangeAnswer change(Book& book, const CorrectStock& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  auto* offer = book.offer({command.drop, command.sku});
  if (const auto wrong = check_offer(book, command, offer)) return refused(command, placed, *wrong);
  if (command.delta < 0) {
    if (offer->free() < -command.delta)
      return refused(command, placed, ChangeRefusal::below_allocated);
    offer->written_off -= command.delta;
  } else {
    if (offer->supplied > kMaxUnits - command.delta)
      return refused(command, placed, ChangeRefusal::too_many_units);
    offer->supplied += command.delta;
  }
  place(book, *offer, placed);
  return counted<StockCorrected>(command, *offer, command.delta, placed);
}

/// An offer that a later revision of the terms left out is as good as new when it comes again.
ChangeAnswer change(Book& book, const PutOffer& command, const Placed& placed) {
  if (!first_time(book, command.change)) return {};
  const OfferKey key{command.drop, command.sku};
  auto* drop = command.drop ? book.drop(*command.drop) : nullptr;
  if (command.drop && !drop) return refused(command, placed, ChangeRefusal::unknown_drop);
  if (drop && fixed(*drop, placed.at)) return refused(command, placed, ChangeRefusal::terms_fixed);
  const auto* known = book.offer(key);
  if (drop && std::ranges::find(drop->skus, command.sku) == drop->skus.end()) known = nullptr;
  if (known && known->product != command.product)
    return refused(command, placed, ChangeRefusal::wrong_product);
  if (drop && !known) {
    if (drop->skus.size() >= static_cast<std::size_t>(kMaxOffers))
      return refused(command, placed, ChangeRefusal::too_many_units);
    drop->skus.push_back(command.sku);
    place(book, *drop, placed);
  }
  auto& offer = book.offers[key];
  if (!known) {
    offer.key = key;
    offer.product = command.product;
    offer.supplied = command.units.value_or(0);
  }
  offer.price = command.price;
  offer.limit = command.limit;
  offer.withdrawn = command.withdrawn.value_or(false);
  place(book, offer, placed);
  OfferPut answer;
  answer.change = command.change;
  answer.drop = command.drop;
  answer.product = command.product;
  answer.sku = command.sku;
  answer.price = command.price;
  answer.limit = command.limit;
  answer.withdrawn = command.withdrawn;
  answer.supplied = offer.supplied;
  answer.actor = command.actor;
  answer.place = placed.place;
  return answer;
}

}  // namespace dropline::stock
