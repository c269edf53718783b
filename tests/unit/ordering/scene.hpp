#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dropline/ordering/ordering.hpp"

/// Short names for orders and messages, and what came of them as words.
namespace dropline::ordering::testing {

using namespace contracts;  // NOLINT: tests of rules speak of little else

template <class Id>
Id numbered(std::uint8_t kind, std::uint32_t number) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[6] = 0x80;
  uuid.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i)
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Id(uuid);
}
inline MemberId member(std::uint32_t number) {
  return numbered<MemberId>(1, number);
}
inline OrderId order_id(std::uint32_t number) {
  return numbered<OrderId>(2, number);
}
inline DropId drop(std::uint32_t number) {
  return numbered<DropId>(3, number);
}
inline ChangeId change_id(std::uint32_t number) {
  return numbered<ChangeId>(4, number);
}
inline RefundId refund_id(std::uint32_t number) {
  return numbered<RefundId>(5, number);
}
inline Sku sku(std::string_view text) {
  return Sku::parse(text).value();
}
inline Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}

inline const Timestamp kNoon = from_unix_ms(1'767'225'600'000);
inline constexpr std::int64_t kPrice = 29'000;
inline constexpr std::string_view kSealed =
    "s1.shop.AAAAAAAAAAAAAAAAAAAAAAAAQmFzZTY0dXJsIG9mIG5vbmNlLCBjaXBoZXJ0ZXh0IGFuZCB0YWc";

/// The order of member `number`, of drop 1 unless said otherwise.
inline StockReserved reserved(std::uint32_t number, PaymentMethod method = PaymentMethod::wallet,
                              std::optional<DropId> of = drop(1)) {
  StockReserved out;
  out.order_id = order_id(number);
  out.member = member(number);
  out.drop = of;
  out.lines = {{sku("SHIRT-M"), numbered<ProductId>(6, 1), 1, won(kPrice), won(kPrice)}};
  out.total = won(kPrice);
  out.payment.method = method;
  out.place = {3, number};
  out.placed_at = kNoon;
  return out;
}
inline StockRefused sold_out(std::uint32_t number) {
  StockRefused out;
  out.order_id = order_id(number);
  out.member = member(number);
  out.drop = drop(1);
  out.reason = RejectReason::sold_out;
  out.sku = sku("SHIRT-M");
  out.lines = {{sku("SHIRT-M"), 1}};
  out.place = {3, number};
  out.placed_at = kNoon;
  return out;
}
template <class Fact>
Fact about(std::uint32_t number) {
  Fact out;
  out.order_id = order_id(number);
  out.member = member(number);
  return out;
}
inline PaymentOpened opened(std::uint32_t number, PaymentMethod method = PaymentMethod::card) {
  auto out = about<PaymentOpened>(number);
  out.method = method;
  out.amount = won(kPrice);
  return out;
}
inline PaymentCaptured captured(std::uint32_t number) {
  auto out = about<PaymentCaptured>(number);
  out.amount = won(kPrice);
  out.at = kNoon;
  return out;
}
inline PaymentDeclined declined(std::uint32_t number) {
  auto out = about<PaymentDeclined>(number);
  out.amount = won(kPrice);
  out.reason = DeclineReason::insufficient_funds;
  return out;
}
inline PaymentClosed closed(std::uint32_t number, EndCause cause = EndCause::cancelled,
                            std::int64_t refunded = 0) {
  auto out = about<PaymentClosed>(number);
  out.cause = cause;
  out.refunded = won(refunded);
  return out;
}
inline CancelOrder cancel(std::uint32_t number, std::uint32_t change = 1) {
  auto out = about<CancelOrder>(number);
  out.change = change_id(change);
  out.actor = {ActorKind::member, member(number).text()};
  out.reason = "changed my mind";
  return out;
}
inline RefundOrder refund(std::uint32_t number, std::uint32_t id = 1) {
  auto out = about<RefundOrder>(number);
  out.refund = refund_id(id);
  out.actor = {ActorKind::member, member(number).text()};
  return out;
}

/// With a coupon that takes 5,000 off.
inline constexpr std::int64_t kOff = 5'000;
inline StockReserved reserved_with_coupon(std::uint32_t number,
                                          PaymentMethod method = PaymentMethod::wallet) {
  auto out = reserved(number, method);
  out.coupon = numbered<CouponId>(9, number);
  return out;
}
inline CouponReserved coupon_held(std::uint32_t number, std::int64_t off = kOff) {
  auto out = about<CouponReserved>(number);
  out.coupon = numbered<CouponId>(9, number);
  out.discount = won(off);
  return out;
}
inline CouponDeclined coupon_declined(std::uint32_t number) {
  auto out = about<CouponDeclined>(number);
  out.coupon = numbered<CouponId>(9, number);
  out.reason = CouponDecline::in_use;
  return out;
}
inline DeliveryShipped shipped(std::uint32_t number) {
  auto out = about<DeliveryShipped>(number);
  out.carrier = "cj";
  out.waybill = "123456789012";
  out.actor = {ActorKind::admin, "ann"};
  return out;
}
inline DeliveryDelivered delivered(std::uint32_t number) {
  auto out = about<DeliveryDelivered>(number);
  out.actor = {ActorKind::service, "courier"};
  return out;
}
inline PaymentRefunded refunded(const RefundPayment& asked) {
  auto out = about<PaymentRefunded>(1);
  out.order_id = asked.order_id;
  out.member = asked.member;
  out.refund = asked.refund;
  out.amount = asked.amount;
  out.refunded_total = asked.amount;
  out.lines = asked.lines;
  return out;
}
/// Later than any deadline.
inline const Timestamp kMuchLater = kNoon + std::chrono::hours(24 * 365);

using Said = std::variant<StockReserved, StockRefused, PaymentOpened, PaymentCaptured,
                          PaymentDeclined, PaymentClosed, CancelOrder, RefundOrder, CouponReserved,
                          CouponDeclined, DeliveryPreparing, DeliveryShipped, DeliveryDelivered,
                          DeliveryClosed, PaymentRefunded, RefundRefused>;

/// Every message has its own time and name, whenever it is read.
inline Record record_of(const Said& message) {
  return std::visit(
      [&]<class T>(const T&) {
        auto at = kNoon + std::chrono::seconds(message.index());
        auto name = "source/0#" + std::string(T::kType);
        if constexpr (std::same_as<T, RefundOrder>)
          name += std::get<RefundOrder>(message).refund.text();
        return Record{std::move(name), at};
      },
      message);
}

/// Notes a message; of a fact, too, whether it was news.
inline Noted note_one(Order& order, const Terms& terms, const Said& message) {
  const auto record = record_of(message);
  return std::visit(
      [&]<class T>(const T& m) -> Noted {
        if constexpr (std::same_as<T, CancelOrder> || std::same_as<T, RefundOrder>)
          return note(order, terms, m, record);
        else
          return {note(order, m, record)};
      },
      message);
}

/// " OrderPaid settle", " OrderCancelled release:cancelled", " close:cancelled".
inline std::string words(const Progress& progress) {
  std::string out;
  for (const auto& step : progress.steps)
    std::visit([&out]<class T>(const T&) { out += ' ' + std::string(T::kType); }, step);
  for (const auto& refused : progress.refused)
    out += " refused:" + std::string(to_text(refused.reason));
  if (progress.close) out += " close:" + std::string(to_text(progress.close->cause));
  for (const auto& ask : progress.asks)
    std::visit([&out]<class T>(const T&) { out += " ask:" + std::string(T::kType); }, ask);
  if (progress.settle) out += " settle";
  if (progress.release) out += " release:" + std::string(to_text(*progress.release));
  return out;
}

inline Order new_order(std::uint32_t number = 1) {
  Order order;
  order.key = {order_id(number), member(number)};
  return order;
}

/// What came of messages that stand in one batch: the state, then the words.
inline std::string take(Order& order, const std::vector<Said>& batch, const Terms& terms = {}) {
  std::string refused;
  for (const auto& message : batch)
    if (const auto noted = note_one(order, terms, message); noted.refused)
      refused += " refused:" + std::string(to_text(noted.refused->reason));
  const auto moved = words(advance(order, terms));
  return std::string(to_text(order.state)) + moved + refused;
}

}  // namespace dropline::ordering::testing
