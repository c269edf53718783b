#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `deliveries.commands`, keyed by member, all signed: they send goods away or keep them here.
namespace dropline::contracts {

inline constexpr Bounds kCarrierBounds{1, 40};
inline constexpr Bounds kWaybillBounds{1, 40};

/// Keeps an order's goods here: asked by ordering before any money goes back. May come before the
/// order was paid, and then leaves a closed row. Always answered: DeliveryClosed (nothing was
/// shipped, and nothing will be), else DeliveryShipped or DeliveryDelivered once more, and nothing
/// has changed.
///
/// `order_version` is the order's last step when it was asked: an OrderPaid of a later step (an
/// expiry that found the money in) opens the delivery again.
struct CloseDelivery {
  static constexpr std::string_view kType = "CloseDelivery";
  static constexpr std::string_view kTopic = topic::kDeliveriesCommands;
  static constexpr bool kSigned = true;

  OrderId order_id;
  MemberId member;
  EndCause cause = EndCause::cancelled;
  std::int64_t order_version = 0;
  Actor actor;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("cause", self.cause);
    visit("order_version", self.order_version, Bounds{0, kMaxExact});
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CloseDelivery&) const = default;
};

/// The goods are with the carrier. Answered DeliveryShipped or DeliveryChangeRefused.
struct ShipDelivery {
  static constexpr std::string_view kType = "ShipDelivery";
  static constexpr std::string_view kTopic = topic::kDeliveriesCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  OrderId order_id;
  MemberId member;
  std::string carrier;
  std::string waybill;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const ShipDelivery&) const = default;
};

/// The waybill was written down wrong: of what is shipped, another carrier or number. Answered
/// DeliveryWaybillCorrected or DeliveryChangeRefused.
struct CorrectWaybill {
  static constexpr std::string_view kType = "CorrectWaybill";
  static constexpr std::string_view kTopic = topic::kDeliveriesCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  OrderId order_id;
  MemberId member;
  std::string carrier;
  std::string waybill;
  Actor actor;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CorrectWaybill&) const = default;
};

/// The goods have arrived: an operator's word, or a courier's. Answered DeliveryDelivered or
/// DeliveryChangeRefused.
struct DeliverDelivery {
  static constexpr std::string_view kType = "DeliverDelivery";
  static constexpr std::string_view kTopic = topic::kDeliveriesCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  OrderId order_id;
  MemberId member;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const DeliverDelivery&) const = default;
};

}  // namespace dropline::contracts
