#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/stock/stock.hpp"

/// The rules on a table: short names for members, drops and SKUs, a book, and decisions as words.
namespace dropline::stock::testing {

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
inline constexpr std::chrono::microseconds kTick{1};

inline OfferTerms terms(std::string_view name, std::int64_t price, std::int64_t units,
                        std::optional<std::int64_t> limit = {}, std::uint32_t of_product = 1) {
  return {sku(name), product(of_product), won(price), units, limit};
}

inline PlaceOrder order_of(const MemberId& who, const std::optional<DropId>& of,
                           const std::vector<std::pair<std::string, std::int32_t>>& lines,
                           std::string_view key) {
  PlaceOrder order;
  order.member = who;
  order.drop = of;
  for (const auto& [name, quantity] : lines)
    order.lines.push_back({sku(name), quantity});
  order.idempotency_key = key;
  order.order_id = make_order_id(who, of, key);
  order.body_hash = body_hash(order);
  return order;
}

/// "reserved 3000", "refused sold_out a", "repeated refused not_open", "conflict".
inline std::string words(const Judgement& judgement) {
  if (const auto* reserved = std::get_if<StockReserved>(&judgement))
    return "reserved " + std::to_string(reserved->total.minor);
  if (const auto* refused = std::get_if<StockRefused>(&judgement)) {
    auto text = "refused " + std::string(to_text(refused->reason));
    if (refused->sku) text += ' ' + refused->sku->text();
    if (refused->total) text += ' ' + std::to_string(refused->total->minor);
    return text;
  }
  if (const auto* repeated = std::get_if<OrderRepeated>(&judgement)) {
    auto text = "repeated " + std::string(to_text(repeated->outcome));
    if (repeated->reason) text += ' ' + std::string(to_text(*repeated->reason));
    return text;
  }
  return "conflict";
}

/// "OfferPut", "refused terms_fixed", "" where nothing is answered.
inline std::string words(const ChangeAnswer& answer) {
  return std::visit(
      []<class T>(const T& told) -> std::string {
        if constexpr (std::same_as<T, std::monostate>)
          return "";
        else if constexpr (std::same_as<T, DropChangeRefused>)
          return "refused " + std::string(to_text(told.reason));
        else
          return std::string(T::kType);
      },
      answer);
}

class Scene final {
 public:
  Book book;
  Timestamp now = kOpens;
  std::int64_t offset = 0;

  Placed next() { return {{3, offset++}, now}; }

  std::string place(const PlaceOrder& order) { return words(judge(book, order, next())); }
  /// A new order of that member, with a key of its own.
  std::string buys(std::uint32_t who,
                   const std::vector<std::pair<std::string, std::int32_t>>& lines,
                   const std::optional<DropId>& of = drop(1)) {
    last = order_of(member(who), of, lines, "k" + std::to_string(++keys_));
    return place(last);
  }

  /// Fills in what a test does not care for.
  template <class Command>
  std::string ask(Command command) {
    if (command.change.nil()) command.change = change_id(++changes);
    command.actor = {ActorKind::admin, "ann"};
    if constexpr (requires { command.reason; })
      if (command.reason.empty()) command.reason = "because";
    return words(change(book, command, next()));
  }

  static OpenDrop terms_of(std::uint32_t number, std::vector<OfferTerms> offers,
                           std::int64_t revision = 1) {
    OpenDrop command;
    command.drop = drop(number);
    command.revision = revision;
    command.terms.offers = std::move(offers);
    command.terms.opens_at = kOpens;
    command.terms.closes_at = kCloses;
    return command;
  }
  /// A drop whose terms came in time.
  void open(std::uint32_t number, std::vector<OfferTerms> offers) {
    open(terms_of(number, std::move(offers)));
  }
  void open(const OpenDrop& command) {
    const auto back = now;
    now = kOpens - std::chrono::hours(1);
    REQUIRE(ask(command) == "DropOpened");
    now = back;
  }
  std::string put(std::string_view name, std::int64_t price, std::optional<std::int64_t> units = {},
                  std::optional<std::int64_t> limit = {}, const std::optional<DropId>& of = {},
                  std::uint32_t of_product = 1) {
    PutOffer command;
    command.drop = of;
    command.product = product(of_product);
    command.sku = sku(name);
    command.price = won(price);
    command.units = units;
    command.limit = limit;
    return ask(command);
  }
  std::string withdraw(std::string_view name, const std::optional<DropId>& of = {}) {
    PutOffer command;
    command.drop = of;
    command.product = product(1);
    command.sku = sku(name);
    command.price = won(1);
    command.withdrawn = true;
    return ask(command);
  }
  std::string restock(std::string_view name, std::int64_t units,
                      const std::optional<DropId>& of = drop(1), std::uint32_t of_product = 1) {
    Restock command;
    command.drop = of;
    command.product = product(of_product);
    command.sku = sku(name);
    command.units = units;
    return ask(command);
  }
  std::string correct(std::string_view name, std::int64_t delta,
                      const std::optional<DropId>& of = drop(1), std::uint32_t of_product = 1) {
    CorrectStock command;
    command.drop = of;
    command.product = product(of_product);
    command.sku = sku(name);
    command.delta = delta;
    return ask(command);
  }
  template <class Switch>
  std::string turn(std::uint32_t number = 1) {
    Switch command;
    command.drop = drop(number);
    return ask(command);
  }

  std::size_t release(const std::vector<PlaceOrder>& orders,
                      const std::optional<DropId>& of = drop(1)) {
    ReleaseUnits command;
    command.drop = of;
    if (!of) command.member = orders.at(0).member;
    for (const auto& order : orders)
      command.orders.push_back({order.order_id, order.member, EndCause::expired});
    return stock::release(book, command, next()).size();
  }
  std::size_t settle(const std::vector<PlaceOrder>& orders,
                     const std::optional<DropId>& of = drop(1)) {
    SettleUnits command;
    command.drop = of;
    if (!of) command.member = orders.at(0).member;
    for (const auto& order : orders)
      command.orders.push_back({order.order_id, order.member});
    const auto settled = stock::settle(book, command, next());
    return settled ? settled->orders.size() : 0;
  }

  const Offer& offer(std::string_view name, const std::optional<DropId>& of = drop(1)) {
    auto* found = book.offer({of, sku(name)});
    REQUIRE(found != nullptr);
    return *found;
  }
  /// "supplied free allocated settled written_off"
  std::string counts(std::string_view name, const std::optional<DropId>& of = drop(1)) {
    const auto& o = offer(name, of);
    std::string text;
    for (const auto number : {o.supplied, o.free(), o.allocated, o.settled, o.written_off})
      text += (text.empty() ? "" : " ") + std::to_string(number);
    return text;
  }

  PlaceOrder last;
  std::uint32_t changes = 0;  ///< ids given to changes so far

 private:
  int keys_ = 0;
};

}  // namespace dropline::stock::testing
