#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `ordering.commands`, keyed by member. Signed: they undo what was sold.
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

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
    visit("account", self.account);
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

}  // namespace dropline::contracts
