#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "dropline/catalog/catalog.hpp"

/// The rules on a table: short names for products, drops and SKUs, a book, and answers as words.
namespace dropline::catalog::testing {

using namespace contracts;  // NOLINT: tests of rules speak of little else

template <class Id>
Id numbered(std::uint8_t kind, std::uint32_t number) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[6] = 0x40;
  uuid.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i)
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Id(uuid);
}
inline MemberId member(std::uint32_t number) {
  return numbered<MemberId>(1, number);
}
inline DropId drop(std::uint32_t number) {
  return numbered<DropId>(2, number);
}
inline ProductId product(std::uint32_t number) {
  return numbered<ProductId>(3, number);
}
inline ChangeId change_id(std::uint32_t number) {
  return numbered<ChangeId>(4, number);
}
inline Sku sku(std::string_view text) {
  return Sku::parse(text).value();
}
inline Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}

inline const Timestamp kOpens = from_unix_ms(1'767'225'600'000);
inline const Timestamp kCloses = kOpens + std::chrono::hours(1);
inline const Timestamp kBefore = kOpens - std::chrono::hours(24);
inline constexpr std::chrono::microseconds kTick{1};

inline ProductOption option(std::string_view name, std::optional<std::int64_t> price = {},
                            std::optional<std::int64_t> limit = {}) {
  ProductOption out;
  out.sku = sku(name);
  out.name.en = "Option " + std::string(name);
  if (price) out.price = won(*price);
  out.limit = limit;
  return out;
}

inline PutProduct put(std::uint32_t change, std::uint32_t number,
                      std::vector<ProductOption> options) {
  PutProduct command;
  command.change = change_id(change);
  command.product = product(number);
  command.name.en = "Product";
  command.name.ko = "상품";
  command.options = std::move(options);
  command.actor = {ActorKind::admin, "ann"};
  return command;
}

inline RetireProduct retire(std::uint32_t change, std::uint32_t number) {
  RetireProduct command;
  command.change = change_id(change);
  command.product = product(number);
  command.reason = "because";
  command.actor = {ActorKind::admin, "bob"};
  return command;
}

inline OfferTerms terms(std::string_view name, std::uint32_t of_product, std::int64_t price = 10,
                        std::int64_t units = 5) {
  return {sku(name), product(of_product), won(price), units, std::nullopt};
}

inline ScheduleDrop schedule(std::uint32_t change, std::uint32_t number,
                             std::vector<OfferTerms> offers) {
  ScheduleDrop command;
  command.change = change_id(change);
  command.drop = drop(number);
  command.title.en = "Drop";
  command.terms.offers = std::move(offers);
  command.terms.opens_at = kOpens;
  command.terms.closes_at = kCloses;
  command.actor = {ActorKind::admin, "ann"};
  return command;
}

/// "changed 2", "refused sku_taken a".
inline std::string words(const Answer& answer) {
  if (const auto* changed = std::get_if<CatalogChanged>(&answer))
    return "changed " + std::to_string(changed->version);
  const auto& refused = std::get<CatalogChangeRefused>(answer);
  auto text = "refused " + std::string(to_text(refused.reason));
  if (refused.sku) text += ' ' + refused.sku->text();
  return text;
}

/// "a 10; b 7 limit 2; c gone", "" where nothing is put.
inline std::string words(const std::vector<PutOffer>& offers) {
  std::string text;
  for (const auto& offer : offers) {
    if (!text.empty()) text += "; ";
    text += offer.sku.text() + ' ';
    text += offer.withdrawn.value_or(false) ? "gone" : std::to_string(offer.price.minor);
    if (offer.limit) text += " limit " + std::to_string(*offer.limit);
  }
  return text;
}

class Scene final {
 public:
  Book book;
  Timestamp now = kBefore;
  Decision last;

  template <class Command>
  std::string ask(const Command& command) {
    last = decide(book, command, {3, now});
    return words(last.answer);
  }
  std::string offers() const { return words(last.offers); }
  std::int64_t revision() const { return last.proposal ? last.proposal->revision : 0; }
};

}  // namespace dropline::catalog::testing
