#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/contracts/codec.hpp"

/// What several messages are made of.
namespace dropline::contracts {

/// A command of an operator or a service, so that it is applied once and its answer is found.
using ChangeId = Id<struct ChangeTag>;

inline constexpr std::int64_t kMaxQuantity = 1'000;       ///< units of one line
inline constexpr std::int64_t kMaxLines = 50;             ///< lines of one order
inline constexpr std::int64_t kMaxUnits = 1'000'000'000;  ///< supply of one offer
inline constexpr std::int64_t kMaxLimit = 1'000'000;      ///< units a member may have
inline constexpr std::int64_t kMaxOffers = 200;           ///< offers of one drop
inline constexpr std::int64_t kMaxOptions = 100;          ///< options of one product
inline constexpr std::int64_t kMaxBatch = 400;            ///< orders of one batch command
inline constexpr Bounds kLineBounds{1, kMaxLines};
inline constexpr Bounds kUnitBounds{0, kMaxUnits};
inline constexpr Bounds kLimitBounds{1, kMaxLimit};
inline constexpr Bounds kVersionBounds{1, kMaxExact};
inline constexpr Bounds kPartitionBounds{0, 65'535};
inline constexpr Bounds kReasonBounds{1, 200};
inline constexpr Bounds kNameBounds{1, 100};
inline constexpr Bounds kSealedBounds{1, 4'096};

enum class PaymentMethod { wallet, card, bank };
constexpr auto names_of(PaymentMethod) {
  return std::to_array<std::string_view>({"wallet", "card", "bank"});
}

/// The public states of an order's life.
enum class OrderState {
  received,
  reserved,
  awaiting_payment,
  paid,
  preparing,
  shipped,
  delivered,
  completed,
  rejected,
  coupon_refused,
  payment_failed,
  expired,
  cancelled,
  refunded,
  waitlisted,  ///< reserved for a standby line
};
constexpr auto names_of(OrderState) {
  return std::to_array<std::string_view>({"received", "reserved", "awaiting_payment", "paid",
                                          "preparing", "shipped", "delivered", "completed",
                                          "rejected", "coupon_refused", "payment_failed", "expired",
                                          "cancelled", "refunded", "waitlisted"});
}

/// Why stock granted an order nothing.
enum class RejectReason {
  not_open,
  drop_closed,
  paused,
  sold_out,  ///< every unit is settled
  all_held,  ///< every unit is held, and may return
  limit_exceeded,
  unknown_product,
  price_changed,
  blocked,
  internal_error,
};
constexpr auto names_of(RejectReason) {
  return std::to_array<std::string_view>({"not_open", "drop_closed", "paused", "sold_out",
                                          "all_held", "limit_exceeded", "unknown_product",
                                          "price_changed", "blocked", "internal_error"});
}

/// Why units that were granted went back, or a payment was closed.
enum class EndCause { cancelled, expired, payment_failed, coupon_refused, voided };
constexpr auto names_of(EndCause) {
  return std::to_array<std::string_view>(
      {"cancelled", "expired", "payment_failed", "coupon_refused", "voided"});
}

enum class ActorKind { member, admin, service };
constexpr auto names_of(ActorKind) {
  return std::to_array<std::string_view>({"member", "admin", "service"});
}

/// Who did it.
struct Actor {
  ActorKind kind = ActorKind::service;
  std::string id;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("kind", self.kind);
    visit("id", self.id, kNameBounds);
  }
  bool operator==(const Actor&) const = default;
};

/// A record's place in the log: in a drop, its place in the line.
struct LogPlace {
  std::int32_t partition = 0;
  std::int64_t offset = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("partition", self.partition, kPartitionBounds);
    visit("offset", self.offset, kOffsetBounds);
  }
  auto operator<=>(const LogPlace&) const = default;
};

/// What is asked for.
struct OrderLine {
  Sku sku;
  std::int32_t quantity = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sku", self.sku);
    visit("quantity", self.quantity, Bounds{1, kMaxQuantity});
  }
  bool operator==(const OrderLine&) const = default;
};

/// What was granted, and at what price.
struct PricedLine {
  Sku sku;
  ProductId product;
  std::int32_t quantity = 0;
  Money unit_price;
  Money amount;                     ///< unit_price × quantity
  std::optional<Money> discount{};  ///< this line's part of a coupon's; stock knows of none

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sku", self.sku);
    visit("product", self.product);
    visit("quantity", self.quantity, Bounds{1, kMaxQuantity});
    visit("unit_price", self.unit_price);
    visit("amount", self.amount);
    visit("discount", self.discount);
  }
  bool operator==(const PricedLine&) const = default;
};

/// Each amount is price × quantity, all are of one currency and sum to `total`, no SKU comes twice.
[[nodiscard]] Status check_priced(const std::vector<PricedLine>& lines, const Money& total);
/// No SKU comes twice.
[[nodiscard]] Status check_lines(const std::vector<OrderLine>& lines);

struct PaymentChoice {
  PaymentMethod method = PaymentMethod::wallet;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("method", self.method);
  }
  bool operator==(const PaymentChoice&) const = default;
};

/// Personal data: a sealed text (crypto/seal.hpp) and a digest of what is inside (see
/// body_hash.hpp), by which two orders can be compared without opening either.
struct SealedText {
  std::string sealed;
  crypto::Digest digest{};

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sealed", self.sealed, kSealedBounds);
    visit("digest", self.digest);
  }
  [[nodiscard]] Status check() const;
  bool operator==(const SealedText&) const = default;
};

/// A text in the shop's languages; at least one of them.
struct LocalText {
  std::optional<std::string> en;
  std::optional<std::string> ko;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("en", self.en, kNameBounds);
    visit("ko", self.ko, kNameBounds);
  }
  [[nodiscard]] Status check() const;
  bool operator==(const LocalText&) const = default;
};

/// One step of an order's life: what a member and an operator see in its timeline.
struct TimelineEntry {
  Timestamp at;
  OrderState state = OrderState::received;
  std::string message;  ///< "<source>#<id>" of the message that caused it
  Actor actor;
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("at", self.at);
    visit("state", self.state);
    visit("message", self.message, Bounds{1, 513});
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
  }
  bool operator==(const TimelineEntry&) const = default;
};

/// One SKU of a drop: what is sold, for how much, how many, how many a member.
struct OfferTerms {
  Sku sku;
  ProductId product;
  Money price;
  std::int64_t units = 0;
  std::optional<std::int64_t> limit;  ///< a member, of this SKU

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sku", self.sku);
    visit("product", self.product);
    visit("price", self.price);
    visit("units", self.units, kUnitBounds);
    visit("limit", self.limit, kLimitBounds);
  }
  bool operator==(const OfferTerms&) const = default;
};

/// A limit a member over all options of a product.
struct ProductLimit {
  ProductId product;
  std::int64_t limit = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("product", self.product);
    visit("limit", self.limit, kLimitBounds);
  }
  bool operator==(const ProductLimit&) const = default;
};

/// What a drop is: fixed once it is open. An order is in time when the append time of its record is
/// in [opens_at, closes_at).
struct DropTerms {
  std::vector<OfferTerms> offers;
  std::optional<std::int64_t> limit_per_member;  ///< over the whole drop
  std::optional<std::vector<ProductLimit>> product_limits;
  Timestamp opens_at;
  Timestamp closes_at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("offers", self.offers, Bounds{1, kMaxOffers});
    visit("limit_per_member", self.limit_per_member, kLimitBounds);
    visit("product_limits", self.product_limits, Bounds{1, kMaxOffers});
    visit("opens_at", self.opens_at);
    visit("closes_at", self.closes_at);
  }
  /// It opens before it closes, one currency, no SKU and no product limit twice, and limits only on
  /// products that are offered.
  [[nodiscard]] Status check() const;
  bool operator==(const DropTerms&) const = default;
};

/// The key of an offer's records: "<drop>/<sku>", of ordinary offers "-/<sku>".
[[nodiscard]] std::string offer_key(const std::optional<DropId>& drop, const Sku& sku);

/// The text of the first id where it is given, else of the second, one of which must be (ensured:
/// decode() and validate() have seen to it).
template <class A, class B>
[[nodiscard]] std::string either_key(const std::optional<A>& first,
                                     const std::optional<B>& second) {
  ensure(first || second, "a message has an id to be keyed by");
  return first ? first->text() : second->text();
}

}  // namespace dropline::contracts
