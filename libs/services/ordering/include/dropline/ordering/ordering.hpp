#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/stock_events.hpp"

/// An order's life: the rules, without a clock, a database or a stream.
///
/// What is known of an order are facts of others: stock's, coupons', payments', deliveries', and
/// what was asked for. They come over five topics, in any order across them, and more than once. So
/// a record is first noted
/// (`note`), which only remembers, and then the order moves on as far as what is known allows
/// (`advance`). Where it ends depends on what is known, not on what came first.
namespace dropline::ordering {

struct OrderKey {
  OrderId order;
  MemberId member;
  auto operator<=>(const OrderKey&) const = default;
};

/// The record that told a fact: its name ("<source>#<id>") and when the log took it.
struct Record {
  std::string message;
  Timestamp at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("message", self.message, contracts::Bounds{1, 513});
    visit("at", self.at);
  }
  bool operator==(const Record&) const = default;
};

/// What payments said. Each is said once; what comes again changes nothing.
struct PaymentFacts {
  struct Opened {
    Record record;
    std::optional<Timestamp> due_at;       ///< where payments set one itself
    std::optional<std::string> reference;  ///< what gateway or bank know the order by
    std::optional<contracts::BankAccount> deposit_to;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("due_at", self.due_at);
      visit("reference", self.reference, contracts::kReferenceBounds);
      visit("deposit_to", self.deposit_to);
    }
    bool operator==(const Opened&) const = default;
  };
  struct Captured {
    Record record;
    Money amount;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("amount", self.amount);
    }
    bool operator==(const Captured&) const = default;
  };
  struct Declined {
    Record record;
    contracts::DeclineReason reason = contracts::DeclineReason::declined;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("reason", self.reason);
    }
    bool operator==(const Declined&) const = default;
  };
  struct Closed {
    Record record;
    contracts::EndCause cause = contracts::EndCause::cancelled;
    Money refunded;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("cause", self.cause);
      visit("refunded", self.refunded);
    }
    bool operator==(const Closed&) const = default;
  };
  std::optional<Opened> opened;
  std::optional<Captured> captured;
  std::optional<Declined> declined;
  std::optional<Closed> closed;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("opened", self.opened);
    visit("captured", self.captured);
    visit("declined", self.declined);
    visit("closed", self.closed);
  }
  [[nodiscard]] bool any() const { return opened || captured || declined || closed; }
  bool operator==(const PaymentFacts&) const = default;
};

/// What coupons said of the order's coupon: one of the two.
struct CouponFacts {
  struct Reserved {
    Record record;
    Money discount;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("discount", self.discount);
    }
    bool operator==(const Reserved&) const = default;
  };
  struct Declined {
    Record record;
    contracts::CouponDecline reason = contracts::CouponDecline::unknown_coupon;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("reason", self.reason);
    }
    bool operator==(const Declined&) const = default;
  };
  std::optional<Reserved> reserved;
  std::optional<Declined> declined;
  bool billed = false;  ///< payments was asked for what is left to pay

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reserved", self.reserved);
    visit("declined", self.declined);
    visit("billed", self.billed);
  }
  [[nodiscard]] bool any() const { return reserved || declined || billed; }
  bool operator==(const CouponFacts&) const = default;
};

/// What deliveries said of the order's goods. Each is said once; what comes again changes nothing.
struct GoodsFacts {
  struct Sent {
    Record record;
    contracts::Actor actor;
    std::string carrier;
    std::string waybill;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("actor", self.actor);
      visit("carrier", self.carrier, contracts::kCarrierBounds);
      visit("waybill", self.waybill, contracts::kWaybillBounds);
    }
    bool operator==(const Sent&) const = default;
  };
  struct Arrived {
    Record record;
    contracts::Actor actor;

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("actor", self.actor);
    }
    bool operator==(const Arrived&) const = default;
  };
  std::optional<Record> preparing;
  std::optional<Sent> shipped;
  std::optional<Arrived> delivered;
  std::optional<Record> closed;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("preparing", self.preparing);
    visit("shipped", self.shipped);
    visit("delivered", self.delivered);
    visit("closed", self.closed);
  }
  [[nodiscard]] bool any() const { return preparing || shipped || delivered || closed; }
  bool operator==(const GoodsFacts&) const = default;
};

/// A cancellation that was accepted: it is under way, or has ended the order.
struct Cancellation {
  Record record;
  contracts::ChangeId change;
  contracts::Actor actor;
  std::optional<std::string> reason;
  std::optional<contracts::SealedText> account;  ///< until payments was asked
  bool asked = false;                            ///< payments, to close
  std::optional<bool> asked_goods{};             ///< deliveries, which comes first
  std::optional<bool> voided{};                  ///< by an operator, for good reason

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("record", self.record);
    visit("change", self.change);
    visit("actor", self.actor);
    visit("reason", self.reason, contracts::kReasonBounds);
    visit("account", self.account);
    visit("asked", self.asked);
    visit("asked_goods", self.asked_goods);
    visit("voided", self.voided);
  }
  bool operator==(const Cancellation&) const = default;
};

/// A refund asked for before the order is known: it is answered when stock's fact comes.
struct AskedRefund {
  RefundId refund;
  contracts::Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("refund", self.refund);
    visit("actor", self.actor);
  }
  bool operator==(const AskedRefund&) const = default;
};

/// asked: payments is to give the money back. A refund that was refused stays, so that a copy of
/// its command is refused again.
enum class RefundState { asked, refunded, refused };
constexpr auto names_of(RefundState) {
  return std::to_array<std::string_view>({"asked", "refunded", "refused"});
}

/// A refund of a delivered order.
struct Refund {
  RefundId refund;
  Record record;  ///< the command's
  contracts::Actor actor;
  std::optional<std::string> reason;
  std::vector<contracts::RefundLine> lines;
  Money amount;
  RefundState state = RefundState::asked;
  std::optional<Timestamp> refunded_at{};  ///< when the log took payments' word; none of no money
  std::optional<contracts::SealedText> account{};  ///< until payments was asked; not kept
  bool fresh = false;  ///< what was noted of it is not told yet; not kept

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("refund", self.refund);
    visit("record", self.record);
    visit("actor", self.actor);
    visit("reason", self.reason, contracts::kReasonBounds);
    visit("lines", self.lines, contracts::kLineBounds);
    visit("amount", self.amount);
    visit("state", self.state);
    visit("refunded_at", self.refunded_at);
  }
  bool operator==(const Refund&) const = default;
};

/// Refunds of one order, refused ones counted; what is more is refused.
inline constexpr std::size_t kMaxRefunds = 100;
/// Refunds kept for an order that is not known; what is more is refused.
inline constexpr std::size_t kMaxAskedRefunds = 8;
/// Entries of a timeline; beyond it the first and the newest are kept.
inline constexpr std::size_t kMaxTimeline = 64;

/// One row an order.
struct Order {
  OrderKey key;
  std::int32_t shard = 0;

  /// Stock's fact is in. Before it an order is not shown, and only facts and commands are kept.
  bool known = false;
  std::optional<DropId> drop;
  std::vector<contracts::PricedLine> lines;       ///< granted; empty where rejected
  std::vector<contracts::OrderLine> asked_lines;  ///< where rejected: they have no price
  std::optional<contracts::RejectReason> rejected;
  std::optional<Sku> rejected_sku;  ///< the line that failed, where one did
  Money total;
  contracts::PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<contracts::SealedText> delivery;
  crypto::Digest body_hash{};
  contracts::LogPlace place;  ///< of the order's first record: in a drop, its place in line
  Timestamp placed_at;
  Record stock;  ///< that told it; not kept, for the first step follows at once

  contracts::OrderState state = contracts::OrderState::received;  ///< the public one
  std::int64_t version = 0;                                       ///< steps so far
  std::vector<contracts::TimelineEntry> timeline;                 ///< one entry a step, bounded
  CouponFacts coupon_facts;
  PaymentFacts money;
  GoodsFacts goods;
  std::optional<Cancellation> cancellation;
  bool expiring = false;   ///< payments was asked to close it, for it fell due
  bool unsettled = false;  ///< paid while it was being ended: its units are not settled
  /// Until when money is expected; once delivered, until when it may be given back.
  std::optional<Timestamp> due_at;
  std::optional<Timestamp> deadline;  ///< when the sweep has to look at it
  std::vector<AskedRefund> refunds;   ///< of an order not yet known
  std::vector<Refund> given_back;     ///< refunds of the delivered order, in the order asked

  /// Deliveries or payments are asked to close it; the public state stays until they have.
  [[nodiscard]] bool closing() const;
  [[nodiscard]] Money discount() const;  ///< its coupon's; zero where there is none
  [[nodiscard]] Money due() const;       ///< what is to be paid
  [[nodiscard]] Money paid() const;      ///< zero where nothing was captured
  [[nodiscard]] Money refunded() const;  ///< zero where nothing went back
  /// Goods have arrived, and may be given back: until then.
  [[nodiscard]] std::optional<Timestamp> refundable_until() const;
  /// Why it is in its state: of the last step, where that has a reason.
  [[nodiscard]] std::optional<std::string> reason() const;
  bool operator==(const Order&) const = default;
};

/// The rows of a batch, and which of them changed. Whoever notes must have loaded the order's row.
struct Book {
  std::map<OrderKey, Order> orders;
  std::set<OrderKey> changed;
  std::set<OrderKey> gone;  ///< no such order: what was kept for it is dropped

  /// The order's row, or a new one.
  [[nodiscard]] Order& order(const OrderKey& key, std::int32_t shard);
};

/// The shop's own terms, from config.
struct Terms {
  std::chrono::seconds card{std::chrono::minutes{15}};
  std::chrono::seconds bank{std::chrono::hours{72}};
  /// How long before these a reminder goes out; nothing, or more than these: none does.
  std::chrono::seconds card_reminder{std::chrono::minutes{5}};
  std::chrono::seconds bank_reminder{std::chrono::hours{24}};
  /// How long after its delivery an order may be given back; then it is completed.
  std::chrono::seconds returns{std::chrono::hours{72}};
  /// How long commands are kept for an order that nobody has heard of.
  std::chrono::seconds patience{std::chrono::hours{24}};
  /// Deliveries works beside it, and is asked before money goes back.
  bool deliveries = false;
};

/// May the public state go from one to the other? Every step keeps to it (ensured).
[[nodiscard]] bool may_follow(contracts::OrderState from, contracts::OrderState to);
/// Nothing follows it.
[[nodiscard]] bool is_final(contracts::OrderState state);

/// Remembers what a record says; tells whether it was news. What contradicts an earlier record of
/// the same topic, or comes again, is none.
bool note(Order& order, const contracts::StockReserved& fact, const Record& record);
bool note(Order& order, const contracts::StockRefused& fact, const Record& record);
bool note(Order& order, const contracts::PaymentOpened& fact, const Record& record);
bool note(Order& order, const contracts::PaymentCaptured& fact, const Record& record);
bool note(Order& order, const contracts::PaymentDeclined& fact, const Record& record);
bool note(Order& order, const contracts::PaymentClosed& fact, const Record& record);
bool note(Order& order, const contracts::PaymentRefunded& fact, const Record& record);
bool note(Order& order, const contracts::RefundRefused& fact, const Record& record);
bool note(Order& order, const contracts::CouponReserved& fact, const Record& record);
bool note(Order& order, const contracts::CouponDeclined& fact, const Record& record);
bool note(Order& order, const contracts::DeliveryPreparing& fact, const Record& record);
bool note(Order& order, const contracts::DeliveryShipped& fact, const Record& record);
bool note(Order& order, const contracts::DeliveryWaybillCorrected& fact, const Record& record);
bool note(Order& order, const contracts::DeliveryDelivered& fact, const Record& record);
bool note(Order& order, const contracts::DeliveryClosed& fact, const Record& record);

/// A command is accepted, is one that was accepted before (neither), or is refused.
struct Noted {
  bool news = false;
  std::optional<contracts::OrderChangeRefused> refused{};
};
[[nodiscard]] Noted note(Order& order, const Terms& terms, const contracts::CancelOrder& command,
                         const Record& record);
[[nodiscard]] Noted note(Order& order, const Terms& terms, const contracts::RefundOrder& command,
                         const Record& record);

using Step =
    std::variant<contracts::OrderReserved, contracts::OrderAwaitingPayment, contracts::OrderPaid,
                 contracts::OrderPaymentFailed, contracts::OrderExpired, contracts::OrderCancelled,
                 contracts::OrderRejected, contracts::OrderCouponRefused, contracts::OrderPreparing,
                 contracts::OrderShipped, contracts::OrderDelivered, contracts::OrderCompleted,
                 contracts::OrderPartlyRefunded, contracts::OrderRefunded,
                 contracts::OrderDeadlineExtended>;

/// What is asked of the other services, beside closing the money.
using Ask =
    std::variant<contracts::ReserveCoupon, contracts::RedeemCoupon, contracts::ReleaseCoupon,
                 contracts::OpenPayment, contracts::CloseDelivery, contracts::RefundPayment>;

/// What came of moving on.
struct Progress {
  std::vector<Step> steps;  ///< to be made public, in this order
  std::vector<contracts::OrderChangeRefused> refused;
  std::optional<contracts::ClosePayment> close;
  std::vector<Ask> asks;
  bool settle = false;                         ///< its units are paid
  std::optional<contracts::EndCause> release;  ///< its units go back: the money is closed
};

/// Takes every step that is possible by what is known. Call it for each order of a batch once, when
/// all of the batch is noted: a reservation whose money is known by then is a step of the timeline
/// but is not made public on its own.
[[nodiscard]] Progress advance(Order& order, const Terms& terms);

/// What falls due.
struct Due {
  std::optional<contracts::ClosePayment> close;
  std::optional<contracts::OrderPaymentDue> reminder;
  std::optional<contracts::OrderCompleted> completed;
  std::vector<contracts::OrderChangeRefused> refused;
  bool gone = false;  ///< nobody has heard of the order: its row is to be removed
};

/// The order's deadline has passed. An order that waits for money is reminded of, or is to be
/// closed; one that was delivered is completed; one that nobody knows is given up, and what was
/// asked of it refused.
[[nodiscard]] Due expire(Order& order, Timestamp now);

/// Gives an order that waits more time; absent where it does not wait, or waits longer already.
[[nodiscard]] std::optional<contracts::OrderDeadlineExtended> extend(
    Order& order, const Terms& terms, const contracts::ExtendDeadlines& command,
    const Record& record);

/// What a coupon takes off, by line: in proportion to the lines' amounts, rounded down, and what is
/// left over a unit of money each to the largest remainders, of equal ones to the first. Sums to
/// `discount`, which is at most the sum of the amounts (ensured).
[[nodiscard]] std::vector<Money> allot(const Money& discount,
                                       std::span<const contracts::PricedLine> lines);

}  // namespace dropline::ordering
