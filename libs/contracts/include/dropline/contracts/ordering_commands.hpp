#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `ordering.commands`, keyed by member but for ExtendDeadlines. Signed: they undo what was sold.
namespace dropline::contracts {

/// Ends an order, until it is shipped. Answered OrderCancelled (after the money is closed) or
/// OrderChangeRefused.
struct CancelOrder {
  static constexpr std::string_view kType = "CancelOrder";
  static constexpr std::string_view kTopic = topic::kOrderingCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  OrderId order_id;
  MemberId member;
  Actor actor;
  std::optional<std::string> reason;
  std::optional<SealedText> account;  ///< where a bank payer's money goes back to
  /// An operator takes it from who should not have had it: the cause told is `voided`.
  std::optional<bool> voided;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
    visit("account", self.account);
    visit("voided", self.voided);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CancelOrder&) const = default;
};

/// Gives back a delivered order, or the lines and quantities named. Answered OrderRefunded,
/// OrderPartlyRefunded or OrderChangeRefused.
struct RefundOrder {
  static constexpr std::string_view kType = "RefundOrder";
  static constexpr std::string_view kTopic = topic::kOrderingCommands;
  static constexpr bool kSigned = true;

  RefundId refund;
  OrderId order_id;
  MemberId member;
  std::optional<std::vector<OrderLine>> lines;  ///< absent: all that is left
  Actor actor;
  std::optional<std::string> reason;
  std::optional<SealedText> account;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("refund", self.refund);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("lines", self.lines, kLineBounds);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
    visit("account", self.account);
  }
  [[nodiscard]] Status check() const { return lines ? check_lines(*lines) : Status(); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const RefundOrder&) const = default;
};

/// After an outage: what waits, of a drop or of ordinary orders, waits until `until` at least: for
/// money, or for the shopper to give it back. Later deadlines stay. Waiting orders are of every
/// shard, so one copy goes to each partition: `copy` is any number that brings its key there.
/// Answered OrderDeadlineExtended for each order that was given time.
struct ExtendDeadlines {
  static constexpr std::string_view kType = "ExtendDeadlines";
  static constexpr std::string_view kTopic = topic::kOrderingCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  std::optional<DropId> drop;  ///< absent: ordinary orders
  Timestamp until;
  std::int64_t copy = 0;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("drop", self.drop);
    visit("until", self.until);
    visit("copy", self.copy, Bounds{0, kMaxExact});
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  /// "<drop, or ->/<copy>"
  [[nodiscard]] std::string partition_key() const {
    return (drop ? drop->text() : std::string("-")) + '/' + std::to_string(copy);
  }
  [[nodiscard]] std::string subject() const { return change.text(); }
  bool operator==(const ExtendDeadlines&) const = default;
};

}  // namespace dropline::contracts
