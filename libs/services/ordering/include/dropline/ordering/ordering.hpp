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
    bool operator==(const Opened&) const = default;
  };
  struct Captured {
    Record record;
    Money amount;
    bool operator==(const Captured&) const = default;
  };
  struct Declined {
    Record record;
    contracts::DeclineReason reason = contracts::DeclineReason::declined;
    bool operator==(const Declined&) const = default;
  };
  struct Closed {
    Record record;
    contracts::EndCause cause = contracts::EndCause::cancelled;
    Money refunded;
    bool operator==(const Closed&) const = default;
  };
  std::optional<Opened> opened;
  std::optional<Captured> captured;
  std::optional<Declined> declined;
  std::optional<Closed> closed;

  [[nodiscard]] bool any() const { return opened || captured || declined || closed; }
  bool operator==(const PaymentFacts&) const = default;
};

/// A cancellation that was asked for and is under way, or has ended the order.
struct Cancellation {
  Record record;
  contracts::ChangeId change;
  contracts::Actor actor;
  std::optional<std::string> reason;
  std::optional<contracts::SealedText> account;  ///< until payments was told
  bool operator==(const Cancellation&) const = default;
};

/// A refund asked for before the order is known: it is answered when stock's fact comes.
struct AskedRefund {
  RefundId refund;
  contracts::Actor actor;
  bool operator==(const AskedRefund&) const = default;
};

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
  Record stock;  ///< that told it

  contracts::OrderState state = contracts::OrderState::received;  ///< the public one
  std::int64_t version = 0;                                       ///< steps so far
  std::vector<contracts::TimelineEntry> timeline;                 ///< one entry a step, bounded
  PaymentFacts money;
  std::optional<Cancellation> cancellation;
  bool expiring = false;              ///< payments was asked to close it, for it fell due
  std::optional<Timestamp> due_at;    ///< until when money is expected
  std::optional<Timestamp> deadline;  ///< when the sweep has to look at it
  std::vector<AskedRefund> refunds;   ///< of an order not yet known

  /// The money is being closed: whatever else is asked for comes too late.
  [[nodiscard]] bool closing() const;
  [[nodiscard]] Money paid() const;      ///< zero where nothing was captured
  [[nodiscard]] Money refunded() const;  ///< zero where nothing went back
  /// Why it is in its state: of the last step, where that has a reason.
  [[nodiscard]] std::optional<std::string> reason() const;
  bool operator==(const Order&) const = default;
};

}  // namespace dropline::ordering
