#pragma once

#include <doctest/doctest.h>

#include "dropline/deliveries/deliveries.hpp"
#include "support/service/orders.hpp"

/// Commands by short names, and answers as words.
namespace dropline::deliveries::testing {

using namespace contracts;          // NOLINT: tests of rules speak of little else
using namespace dropline::testing;  // NOLINT: the same

inline CloseDelivery close_delivery(std::uint32_t id, std::uint32_t who, std::int64_t version = 2,
                                    EndCause cause = EndCause::cancelled) {
  CloseDelivery out;
  out.order_id = order(id);
  out.member = member(who);
  out.cause = cause;
  out.order_version = version;
  out.actor = {ActorKind::service, "ordering"};
  return out;
}

inline ShipDelivery ship_delivery(std::uint32_t id, std::uint32_t who,
                                  std::string waybill = "689012345678") {
  ShipDelivery out;
  out.change = change(id);
  out.order_id = order(id);
  out.member = member(who);
  out.carrier = "cj";
  out.waybill = std::move(waybill);
  out.actor = {ActorKind::admin, "kim"};
  return out;
}

inline CorrectWaybill correct_waybill(std::uint32_t id, std::uint32_t who,
                                      std::string waybill = "111122223333") {
  CorrectWaybill out;
  out.change = change(id + 1'000);
  out.order_id = order(id);
  out.member = member(who);
  out.carrier = "cj";
  out.waybill = std::move(waybill);
  out.actor = {ActorKind::admin, "kim"};
  out.reason = "two digits swapped";
  return out;
}

inline DeliverDelivery deliver_delivery(std::uint32_t id, std::uint32_t who) {
  DeliverDelivery out;
  out.change = change(id + 2'000);
  out.order_id = order(id);
  out.member = member(who);
  out.actor = {ActorKind::admin, "courier"};
  return out;
}

inline std::string word(std::monostate) {
  return "nothing";
}
inline std::string word(const DeliveryPreparing&) {
  return "preparing";
}
inline std::string word(const DeliveryShipped& e) {
  return "shipped " + e.carrier + ' ' + e.waybill;
}
inline std::string word(const DeliveryWaybillCorrected& e) {
  return "corrected " + e.waybill;
}
inline std::string word(const DeliveryDelivered&) {
  return "delivered";
}
inline std::string word(const DeliveryClosed& e) {
  return "closed " + std::string(to_text(e.cause));
}
inline std::string word(const DeliveryChangeRefused& e) {
  return "refused " + std::string(to_text(e.reason));
}
template <class... Ts>
std::string word(const std::variant<Ts...>& answer) {
  return std::visit(
      []<class T>(const T& message) {
        if constexpr (!std::same_as<T, std::monostate>)
          REQUIRE(contracts::validate(message).has_value());
        return word(message);
      },
      answer);
}

/// A book, and a clock that ticks with each message.
struct Desk {
  Book book;
  Timestamp at = kNewYear;

  std::string operator()(const OrderPaid& m) { return word(open(book, m, next())); }
  std::string operator()(const CloseDelivery& m) { return word(close(book, m, next())); }
  std::string operator()(const ShipDelivery& m) { return word(ship(book, m, next())); }
  std::string operator()(const CorrectWaybill& m) { return word(correct(book, m, next())); }
  std::string operator()(const DeliverDelivery& m) { return word(deliver(book, m, next())); }

  Timestamp next() { return at += std::chrono::seconds(1); }
  [[nodiscard]] const Delivery& row(std::uint32_t id, std::uint32_t who) const {
    return book.deliveries.at({order(id), member(who)});
  }
};

}  // namespace dropline::deliveries::testing
