#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `stock.events`: what stock decided. Facts of orders are keyed by member, answers to changes of a
/// drop by drop, of ordinary offers by product.
namespace dropline::contracts {

/// The order was granted all its units at its offset: it is a winner, whatever comes later. Without
/// a coupon, payments takes the total straight from here.
struct StockReserved {
  static constexpr std::string_view kType = "StockReserved";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  std::vector<PricedLine> lines;
  Money total;
  PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<SealedText> delivery;
  crypto::Digest body_hash{};
  LogPlace place;       ///< of the order's first record
  Timestamp placed_at;  ///< its append time

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("lines", self.lines, kLineBounds);
    visit("total", self.total);
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("delivery", self.delivery);
    visit("body_hash", self.body_hash);
    visit("place", self.place);
    visit("placed_at", self.placed_at);
  }
  [[nodiscard]] Status check() const { return check_priced(lines, total); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const StockReserved&) const = default;
};

/// The order was granted nothing. Final for its id.
struct StockRefused {
  static constexpr std::string_view kType = "StockRefused";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  RejectReason reason = RejectReason::internal_error;
  std::optional<Sku> sku;      ///< the line that failed, where one did
  std::optional<Money> total;  ///< the price in force, for price_changed
  std::vector<OrderLine> lines;
  PaymentChoice payment;
  crypto::Digest body_hash{};
  LogPlace place;
  Timestamp placed_at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("reason", self.reason);
    visit("sku", self.sku);
    visit("total", self.total);
    visit("lines", self.lines, kLineBounds);
    visit("payment", self.payment);
    visit("body_hash", self.body_hash);
    visit("place", self.place);
    visit("placed_at", self.placed_at);
  }
  [[nodiscard]] Status check() const { return check_lines(lines); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const StockRefused&) const = default;
};

/// What stock's row of an order says.
enum class StockOutcome { reserved, refused, released };
constexpr auto names_of(StockOutcome) {
  return std::to_array<std::string_view>({"reserved", "refused", "released"});
}

/// The same order came again: nothing changed. Says what the first copy was answered.
struct OrderRepeated {
  static constexpr std::string_view kType = "OrderRepeated";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  StockOutcome outcome = StockOutcome::reserved;
  std::optional<RejectReason> reason;  ///< where it was refused
  crypto::Digest body_hash{};
  LogPlace first;  ///< of the first copy: the order's place in line
  LogPlace place;  ///< of this one

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("outcome", self.outcome);
    visit("reason", self.reason);
    visit("body_hash", self.body_hash);
    visit("first", self.first);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const OrderRepeated&) const = default;
};

/// Another order came under the same id: it is refused, the first stands.
struct IdempotencyConflict {
  static constexpr std::string_view kType = "IdempotencyConflict";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  crypto::Digest body_hash{};        ///< of what came now: a waiter knows by it that it is meant
  crypto::Digest first_body_hash{};  ///< of what stands
  LogPlace first;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("body_hash", self.body_hash);
    visit("first_body_hash", self.first_body_hash);
    visit("first", self.first);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const IdempotencyConflict&) const = default;
};

/// The order's units went back. One for each order, so that it meets the order's other facts.
struct UnitsReleased {
  static constexpr std::string_view kType = "UnitsReleased";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  EndCause cause = EndCause::cancelled;
  LogPlace place;  ///< of the ReleaseUnits record

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("cause", self.cause);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const UnitsReleased&) const = default;
};

/// Orders of a batch that were settled by it; nobody waits for it, so one record a batch. Keyed as
/// SettleUnits is.
struct UnitsSettled {
  static constexpr std::string_view kType = "UnitsSettled";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  std::optional<DropId> drop;
  std::optional<MemberId> member;
  std::vector<OrderId> orders;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("member", self.member);
    visit("orders", self.orders, Bounds{1, kMaxBatch});
    visit("place", self.place);
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return either_key(drop, member); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const UnitsSettled&) const = default;
};

/// The terms are in force: the drop opens and closes by them, with no further record.
struct DropOpened {
  static constexpr std::string_view kType = "DropOpened";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  ChangeId change;
  DropId drop;
  std::int64_t revision = 0;
  Timestamp opens_at;
  Timestamp closes_at;
  Actor actor;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("revision", self.revision, kVersionBounds);
    visit("opens_at", self.opens_at);
    visit("closes_at", self.closes_at);
    visit("actor", self.actor);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const DropOpened&) const = default;
};

/// What the answers to pausing, resuming and ending have in common.
struct DropSwitched {
  static constexpr std::string_view kTopic = topic::kStockEvents;

  ChangeId change;
  DropId drop;
  std::string reason;
  Actor actor;
  LogPlace place;
  Timestamp at;  ///< append time of the command

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
    visit("place", self.place);
    visit("at", self.at);
  }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const DropSwitched&) const = default;
};
struct DropPaused final : DropSwitched {
  static constexpr std::string_view kType = "DropPaused";
};
struct DropResumed final : DropSwitched {
  static constexpr std::string_view kType = "DropResumed";
};
struct DropEnded final : DropSwitched {
  static constexpr std::string_view kType = "DropEnded";
};

/// An offer is new, or its price or limit is, or it was taken off sale.
struct OfferPut {
  static constexpr std::string_view kType = "OfferPut";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  ChangeId change;
  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  Money price;
  std::optional<std::int64_t> limit;
  std::optional<bool> withdrawn;
  std::int64_t supplied = 0;
  Actor actor;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("price", self.price);
    visit("limit", self.limit, kLimitBounds);
    visit("withdrawn", self.withdrawn);
    visit("supplied", self.supplied, kUnitBounds);
    visit("actor", self.actor);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return drop ? drop->text() : product.text(); }
  [[nodiscard]] std::string subject() const { return offer_key(drop, sku); }
  bool operator==(const OfferPut&) const = default;
};

/// What the answers to Restock and CorrectStock have in common.
struct StockCounted {
  static constexpr std::string_view kTopic = topic::kStockEvents;

  ChangeId change;
  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  std::int64_t delta = 0;
  std::int64_t supplied = 0;  ///< after it
  std::int64_t free = 0;      ///< after it
  std::string reason;
  Actor actor;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("delta", self.delta, Bounds{-kMaxUnits, kMaxUnits});
    visit("supplied", self.supplied, kUnitBounds);
    visit("free", self.free, kUnitBounds);
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return drop ? drop->text() : product.text(); }
  [[nodiscard]] std::string subject() const { return offer_key(drop, sku); }
  bool operator==(const StockCounted&) const = default;
};
struct StockRestocked final : StockCounted {
  static constexpr std::string_view kType = "StockRestocked";
};
struct StockCorrected final : StockCounted {
  static constexpr std::string_view kType = "StockCorrected";
};

enum class ChangeRefusal {
  unknown_drop,
  unknown_offer,
  terms_fixed,   ///< the drop is open, or orders exist
  old_revision,  ///< newer terms are in force
  already_ended,
  already_paused,
  not_paused,
  below_allocated,  ///< fewer units would remain than are promised
  too_many_units,   ///< the supply would pass kMaxUnits
  wrong_product,    ///< the SKU belongs to another product
};
constexpr auto names_of(ChangeRefusal) {
  return std::to_array<std::string_view>(
      {"unknown_drop", "unknown_offer", "terms_fixed", "old_revision", "already_ended",
       "already_paused", "not_paused", "below_allocated", "too_many_units", "wrong_product"});
}

/// A change of a drop or an ordinary offer did not happen.
struct DropChangeRefused {
  static constexpr std::string_view kType = "DropChangeRefused";
  static constexpr std::string_view kTopic = topic::kStockEvents;

  ChangeId change;
  std::string command;  ///< its type
  std::optional<DropId> drop;
  std::optional<ProductId> product;
  std::optional<Sku> sku;
  ChangeRefusal reason = ChangeRefusal::unknown_drop;
  Actor actor;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("command", self.command, kNameBounds);
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("reason", self.reason);
    visit("actor", self.actor);
    visit("place", self.place);
  }
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return either_key(drop, product); }
  [[nodiscard]] std::string subject() const { return change.text(); }
  bool operator==(const DropChangeRefused&) const = default;
};

}  // namespace dropline::contracts
