#pragma once

#include "dropline/contracts/deliveries_commands.hpp"

/// `deliveries.events`: what becomes of a paid order's goods. Keyed by member. Times are when the
/// log took what caused the step.
namespace dropline::contracts {

/// What every fact of a delivery tells.
struct DeliveryFact {
  static constexpr std::string_view kTopic = topic::kDeliveriesEvents;

  OrderId order_id;
  MemberId member;
  Timestamp at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("at", self.at);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const DeliveryFact&) const = default;
};

/// Paid, and the goods are being made ready.
struct DeliveryPreparing final : DeliveryFact {
  static constexpr std::string_view kType = "DeliveryPreparing";
};

/// On its way: from now on it cannot be cancelled. Said again to who asks to close it.
struct DeliveryShipped final : DeliveryFact {
  static constexpr std::string_view kType = "DeliveryShipped";

  std::string carrier;
  std::string waybill;
  Actor actor;
  std::optional<ChangeId> change;  ///< the command that shipped it

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    DeliveryFact::fields(self, visit);
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
    visit("actor", self.actor);
    visit("change", self.change);
  }
  bool operator==(const DeliveryShipped&) const = default;
};

/// It travels under another waybill than was said; `at` is when that was corrected.
struct DeliveryWaybillCorrected final : DeliveryFact {
  static constexpr std::string_view kType = "DeliveryWaybillCorrected";

  std::string carrier;
  std::string waybill;
  Actor actor;
  std::optional<ChangeId> change;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    DeliveryFact::fields(self, visit);
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
    visit("actor", self.actor);
    visit("change", self.change);
    visit("reason", self.reason, kReasonBounds);
  }
  bool operator==(const DeliveryWaybillCorrected&) const = default;
};

/// Arrived. Said again to who asks to close it.
struct DeliveryDelivered final : DeliveryFact {
  static constexpr std::string_view kType = "DeliveryDelivered";

  Actor actor;
  std::optional<ChangeId> change;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    DeliveryFact::fields(self, visit);
    visit("actor", self.actor);
    visit("change", self.change);
  }
  bool operator==(const DeliveryDelivered&) const = default;
};

/// Nothing was shipped and nothing will be: only now may the money go back.
struct DeliveryClosed final : DeliveryFact {
  static constexpr std::string_view kType = "DeliveryClosed";

  EndCause cause = EndCause::cancelled;  ///< of the first that closed it

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    DeliveryFact::fields(self, visit);
    visit("cause", self.cause);
  }
  bool operator==(const DeliveryClosed&) const = default;
};

enum class DeliveryRefusal {
  unknown_order,      ///< not paid, or another member's
  closed,             ///< it was cancelled first
  not_shipped,        ///< it cannot arrive, or have its waybill corrected
  already_shipped,    ///< with another carrier or waybill
  already_delivered,  ///< nothing of it changes any more
  bad_waybill,        ///< not a number that this carrier gives out
};
constexpr auto names_of(DeliveryRefusal) {
  return std::to_array<std::string_view>({"unknown_order", "closed", "not_shipped",
                                          "already_shipped", "already_delivered", "bad_waybill"});
}

/// An operator's change did not happen; the delivery is as it was.
struct DeliveryChangeRefused {
  static constexpr std::string_view kType = "DeliveryChangeRefused";
  static constexpr std::string_view kTopic = topic::kDeliveriesEvents;

  ChangeId change;
  OrderId order_id;
  MemberId member;
  std::string command;  ///< its type
  DeliveryRefusal reason = DeliveryRefusal::unknown_order;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("command", self.command, kNameBounds);
    visit("reason", self.reason);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const DeliveryChangeRefused&) const = default;
};

}  // namespace dropline::contracts
