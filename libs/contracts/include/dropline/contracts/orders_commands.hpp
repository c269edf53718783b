#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `orders.commands`: the log that decides who gets what. Stock reads it; its order is the order of
/// arrival. Keyed by drop; ordinary orders by member, ordinary products' stock by product.
namespace dropline::contracts {

/// Asks for units. The only command that needs no signature: its id proves whose it is and what it
/// is (order_id.hpp). Answered on `stock.events`.
struct PlaceOrder {
  static constexpr std::string_view kType = "PlaceOrder";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;  ///< absent: an ordinary order
  std::vector<OrderLine> lines;
  PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<Money> expected_total;  ///< refused (price_changed) where the price is another
  std::optional<SealedText> delivery;
  std::string idempotency_key;
  std::optional<crypto::Digest> body_hash;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("lines", self.lines, kLineBounds);
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("expected_total", self.expected_total);
    visit("delivery", self.delivery);
    visit("idempotency_key", self.idempotency_key, Bounds{1, 128});
    visit("body_hash", self.body_hash);
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return drop ? drop->text() : member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PlaceOrder&) const = default;
};

/// Puts a drop's terms in force, or others before it is open. Answered DropOpened or
/// DropChangeRefused.
struct OpenDrop {
  static constexpr std::string_view kType = "OpenDrop";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  DropId drop;
  std::int64_t revision = 0;  ///< of the terms, counted by catalog; lower ones are refused
  DropTerms terms;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("revision", self.revision, kVersionBounds);
    DropTerms::fields(self.terms, visit);
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const OpenDrop&) const = default;
};

/// What pausing, resuming and ending have in common.
struct DropSwitch {
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  DropId drop;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const DropSwitch&) const = default;
};

/// Orders at later offsets are refused (`paused`) until ResumeDrop.
struct PauseDrop final : DropSwitch {
  static constexpr std::string_view kType = "PauseDrop";
};
struct ResumeDrop final : DropSwitch {
  static constexpr std::string_view kType = "ResumeDrop";
};
/// Closes a drop for good, whatever its `closes_at`.
struct EndDrop final : DropSwitch {
  static constexpr std::string_view kType = "EndDrop";
};

/// Adds units to an offer. Answered StockRestocked or DropChangeRefused.
struct Restock {
  static constexpr std::string_view kType = "Restock";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  std::int64_t units = 0;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("units", self.units, Bounds{1, kMaxUnits});
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return drop ? drop->text() : product.text(); }
  [[nodiscard]] std::string subject() const { return offer_key(drop, sku); }
  bool operator==(const Restock&) const = default;
};

/// Sets the count right by a signed number; refused where fewer would remain than are allocated.
struct CorrectStock {
  static constexpr std::string_view kType = "CorrectStock";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  std::int64_t delta = 0;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("delta", self.delta, Bounds{-kMaxUnits, kMaxUnits});
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return drop ? drop->text() : product.text(); }
  [[nodiscard]] std::string subject() const { return offer_key(drop, sku); }
  bool operator==(const CorrectStock&) const = default;
};

/// Makes an offer, or changes price and limit of one (of a drop only before it is open), or takes
/// it off sale. `units` is the first supply and counts only where the offer is new.
struct PutOffer {
  static constexpr std::string_view kType = "PutOffer";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  Money price;
  std::optional<std::int64_t> units;
  std::optional<std::int64_t> limit;
  std::optional<bool> withdrawn;  ///< not for sale until it is put again; what was sold stays
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("price", self.price);
    visit("units", self.units, kUnitBounds);
    visit("limit", self.limit, kLimitBounds);
    visit("withdrawn", self.withdrawn);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return drop ? drop->text() : product.text(); }
  [[nodiscard]] std::string subject() const { return offer_key(drop, sku); }
  bool operator==(const PutOffer&) const = default;
};

struct ReleasedOrder {
  OrderId order_id;
  MemberId member;
  EndCause cause = EndCause::cancelled;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("cause", self.cause);
  }
  bool operator==(const ReleasedOrder&) const = default;
};

/// Gives back all units of orders whose money is closed; serves later offsets only. Ordering writes
/// one for each drop and batch; of ordinary orders one for each member. An order is released once.
struct ReleaseUnits {
  static constexpr std::string_view kType = "ReleaseUnits";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  std::optional<DropId> drop;
  std::optional<MemberId> member;  ///< given exactly where `drop` is not
  std::vector<ReleasedOrder> orders;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("member", self.member);
    visit("orders", self.orders, Bounds{1, kMaxBatch});
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return either_key(drop, member); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const ReleaseUnits&) const = default;
};

struct SettledOrder {
  OrderId order_id;
  MemberId member;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
  }
  bool operator==(const SettledOrder&) const = default;
};

/// The orders are paid: their units will not return by themselves. Batched as ReleaseUnits is.
struct SettleUnits {
  static constexpr std::string_view kType = "SettleUnits";
  static constexpr std::string_view kTopic = topic::kOrdersCommands;
  static constexpr bool kSigned = true;

  std::optional<DropId> drop;
  std::optional<MemberId> member;
  std::vector<SettledOrder> orders;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("member", self.member);
    visit("orders", self.orders, Bounds{1, kMaxBatch});
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return either_key(drop, member); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const SettleUnits&) const = default;
};

}  // namespace dropline::contracts
