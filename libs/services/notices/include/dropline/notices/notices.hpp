#pragma once

#include <optional>
#include <string>

#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/orders_events.hpp"

/// What shoppers are told, and in which words: pure. A notice follows from one fact, and so does
/// its id: whoever is told the same id twice was told once.
namespace dropline::notices {

enum class NoticeKind {
  order_paid,
  order_cancelled,
  order_expired,
  payment_reminder,
  order_shipped,
  order_delivered,
  order_refunded,
  coupon_issued,
};
constexpr auto names_of(NoticeKind) {
  return std::to_array<std::string_view>({"order_paid", "order_cancelled", "order_expired",
                                          "payment_reminder", "order_shipped", "order_delivered",
                                          "order_refunded", "coupon_issued"});
}

inline constexpr contracts::Bounds kTextBounds{1, 2'000};

struct Words {
  std::string subject;
  std::string text;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("subject", self.subject, kTextBounds);
    visit("text", self.text, kTextBounds);
  }
  bool operator==(const Words&) const = default;
};

/// As it is sent: JSON of these fields.
struct Notice {
  NoticeId id;
  NoticeKind kind = NoticeKind::order_paid;
  MemberId member;
  std::optional<OrderId> order_id;
  std::optional<CouponId> coupon;
  Timestamp at;  ///< of what it tells
  Words en;
  Words ko;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("id", self.id);
    visit("kind", self.kind);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("coupon", self.coupon);
    visit("at", self.at);
    visit("en", self.en);
    visit("ko", self.ko);
  }
  bool operator==(const Notice&) const = default;
};

[[nodiscard]] Notice notice_of(const contracts::OrderPaid& order);
[[nodiscard]] Notice notice_of(const contracts::OrderCancelled& order);
[[nodiscard]] Notice notice_of(const contracts::OrderExpired& order);
/// `at` of a reminder is not told by its fact: when the log took it.
[[nodiscard]] Notice notice_of(const contracts::OrderPaymentDue& order, Timestamp at);
[[nodiscard]] Notice notice_of(const contracts::OrderShipped& order);
[[nodiscard]] Notice notice_of(const contracts::OrderDelivered& order);
[[nodiscard]] Notice notice_of(const contracts::OrderPartlyRefunded& order);
[[nodiscard]] Notice notice_of(const contracts::OrderRefunded& order);
[[nodiscard]] Notice notice_of(const contracts::CouponIssued& coupon);

/// "29,000 KRW", "12.50 USD": amounts as people write them.
[[nodiscard]] std::string written(const Money& money);
/// "2026-03-01 20:05" in Seoul, which has one offset (+9) all year.
[[nodiscard]] std::string seoul_time(Timestamp at);

}  // namespace dropline::notices
