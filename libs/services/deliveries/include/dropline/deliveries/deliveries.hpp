#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/orders_events.hpp"

/// What becomes of a paid order's goods: the rules, without a clock, a database or a stream.
///
/// The one promise that others build on: after DeliveryClosed nothing of the order is ever shipped
/// (unless a later step of the order says that it is paid), and after DeliveryShipped nothing is
/// ever closed. So of a cancellation and a shipping that meet, exactly one wins.
namespace dropline::deliveries {

enum class DeliveryState { preparing, shipped, delivered, closed };
constexpr auto names_of(DeliveryState) {
  return std::to_array<std::string_view>({"preparing", "shipped", "delivered", "closed"});
}

struct DeliveryKey {
  OrderId order;
  MemberId member;
  auto operator<=>(const DeliveryKey&) const = default;
};

/// Who said that a step was done, and by which command.
struct Said {
  contracts::Actor actor;
  std::optional<contracts::ChangeId> change;
  Timestamp at;
  bool operator==(const Said&) const = default;
};

/// The one delivery of an order.
struct Delivery {
  DeliveryKey key;
  DeliveryState state = DeliveryState::preparing;
  std::int64_t paid_version = 0;  ///< the order's step that opened it; 0: it was closed first
  std::optional<std::int64_t> closed_version;  ///< the order's last step when it was closed
  std::optional<contracts::EndCause> cause;    ///< of the first that closed it
  std::optional<DropId> drop;
  std::optional<contracts::SealedText> recipient;  ///< absent: fetched, or nothing to be sent
  std::string carrier;                             ///< empty: not shipped
  std::string waybill;
  std::optional<Said> shipped;
  std::optional<Said> delivered;
  Timestamp opened_at;
  Timestamp at;  ///< of the last change
  bool operator==(const Delivery&) const = default;
};

/// The rows that a batch needs, and which of them it changed. Whoever calls a rule must have loaded
/// the delivery that it names.
struct Book {
  std::map<DeliveryKey, Delivery> deliveries;
  std::set<DeliveryKey> changed;
};

/// Nothing is answered where it was opened before, or closed first.
using OpenAnswer = std::variant<std::monostate, contracts::DeliveryPreparing>;
[[nodiscard]] OpenAnswer open(Book& book, const contracts::OrderPaid& order, Timestamp at);

/// Always answered, save a close of before the step that paid the order (`order_version` below it;
/// 0 counts as the newest): it was answered then, and what it asked for is over.
using CloseAnswer = std::variant<std::monostate, contracts::DeliveryClosed,
                                 contracts::DeliveryShipped, contracts::DeliveryDelivered>;
[[nodiscard]] CloseAnswer close(Book& book, const contracts::CloseDelivery& command, Timestamp at);

/// Said again to the same carrier and number: answered the same.
using ShipAnswer = std::variant<contracts::DeliveryShipped, contracts::DeliveryChangeRefused>;
[[nodiscard]] ShipAnswer ship(Book& book, const contracts::ShipDelivery& command, Timestamp at);

using CorrectAnswer =
    std::variant<contracts::DeliveryWaybillCorrected, contracts::DeliveryChangeRefused>;
[[nodiscard]] CorrectAnswer correct(Book& book, const contracts::CorrectWaybill& command,
                                    Timestamp at);

/// Said again: answered the same.
using DeliverAnswer = std::variant<contracts::DeliveryDelivered, contracts::DeliveryChangeRefused>;
[[nodiscard]] DeliverAnswer deliver(Book& book, const contracts::DeliverDelivery& command,
                                    Timestamp at);

}  // namespace dropline::deliveries
