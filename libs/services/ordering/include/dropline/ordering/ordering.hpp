#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/stock_events.hpp"

/// An order's life: the rules, without a clock, a database or a stream.
///
/// What is known of an order are facts of others: stock's, payments', and what was asked for. They
/// come over three topics, in any order across them, and more than once. So a record is first noted
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
    std::optional<Timestamp> due_at;  ///< where payments set one itself

    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit("record", self.record);
      visit("due_at", self.due_at);
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

/// A cancellation that was accepted: it is under way, or has ended the order.
struct Cancellation {
  Record record;
  contracts::ChangeId change;
  contracts::Actor actor;
  std::optional<std::string> reason;
  std::optional<contracts::SealedText> account;  ///< until payments was asked
  bool asked = false;                            ///< payments, to close

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("record", self.record);
    visit("change", self.change);
    visit("actor", self.actor);
    visit("reason", self.reason, contracts::kReasonBounds);
    visit("account", self.account);
    visit("asked", self.asked);
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
  PaymentFacts money;
  std::optional<Cancellation> cancellation;
  bool expiring = false;              ///< payments was asked to close it, for it fell due
  std::optional<Timestamp> due_at;    ///< until when money is expected
  std::optional<Timestamp> deadline;  ///< when the sweep has to look at it
  std::vector<AskedRefund> refunds;   ///< of an order not yet known

  /// Payments is asked to close the money; the public state stays until it has.
  [[nodiscard]] bool closing() const;
  [[nodiscard]] Money paid() const;      ///< zero where nothing was captured
  [[nodiscard]] Money refunded() const;  ///< zero where nothing went back
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
  /// How long commands are kept for an order that nobody has heard of.
  std::chrono::seconds patience{std::chrono::hours{24}};
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
                 contracts::OrderRejected>;

/// What came of moving on.
struct Progress {
  std::vector<Step> steps;  ///< to be made public, in this order
  std::vector<contracts::OrderChangeRefused> refused;
  std::optional<contracts::ClosePayment> close;
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
  std::vector<contracts::OrderChangeRefused> refused;
  bool gone = false;  ///< nobody has heard of the order: its row is to be removed
};

/// The order's deadline has passed. An order that waits for money is to be closed; one that nobody
/// knows is given up, and what was asked of it refused.
[[nodiscard]] Due expire(Order& order);

}  // namespace dropline::ordering
