#include "dropline/notices/notices.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "dropline/crypto/sha256.hpp"

namespace dropline::notices {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

constexpr std::chrono::hours kSeoul{9};

/// Follows from what it is about: SHA-256 over name, kind, subject and step, as a UUID of
/// version 8.
NoticeId id_of(NoticeKind kind, const Uuid& about, std::string_view step) {
  constexpr std::uint8_t kSeparator = 0;
  const auto digest = crypto::Sha256()
                          .update("dropline notice 1")
                          .update(kSeparator)
                          .update(to_text(kind))
                          .update(kSeparator)
                          .update(about.bytes)
                          .update(step)
                          .finish();
  Uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return NoticeId(id);
}

/// The last eight characters: enough to tell a shopper's own orders apart.
std::string short_of(const OrderId& order) {
  return order.text().substr(28);
}

std::string goods_of(const OrderStep& order, std::string_view and_more, std::string_view suffix) {
  auto text = order.lines.front().sku.text();
  if (order.lines.size() > 1) {
    text += and_more;
    text += std::to_string(order.lines.size() - 1);
    text += suffix;
  }
  return text;
}

std::string goods_en(const OrderStep& order) {
  return goods_of(order, " and ", " more");
}
std::string goods_ko(const OrderStep& order) {
  return goods_of(order, " 외 ", "건");
}

Notice about(NoticeKind kind, const OrderStep& order) {
  Notice notice;
  notice.id = id_of(kind, order.order_id.uuid(), std::to_string(order.version));
  notice.kind = kind;
  notice.member = order.member;
  notice.order_id = order.order_id;
  notice.at = order.entry.at;
  return notice;
}

Notice refunded(const OrderRefundStep& order, bool whole) {
  auto notice = about(NoticeKind::order_refunded, order);
  const auto number = short_of(order.order_id);
  const auto money = written(order.refunded);
  notice.en = {"Refund of order " + number,
               money + " of your order " + number + " (" + goods_en(order) + ") went back" +
                   (whole ? ", and with it all that you had paid." : ".")};
  notice.ko = {"주문 " + number + " 환불 안내", "주문 " + number + "(" + goods_ko(order) +
                                                    ")에서 " + money + "이(가) 환불되었습니다." +
                                                    (whole ? " 주문 전체가 환불되었습니다." : "")};
  return notice;
}

}  // namespace

std::string written(const Money& money) {
  const auto currency = money.currency.text();
  const bool whole = currency == "KRW" || currency == "JPY" || currency == "VND";
  constexpr std::int64_t kHundred = 100;
  const auto minor = std::abs(money.minor);
  auto digits = std::to_string(whole ? minor : minor / kHundred);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  if (!whole) {
    const auto cents = minor % kHundred;
    digits += (cents < 10 ? ".0" : ".") + std::to_string(cents);
  }
  return (money.minor < 0 ? "-" : "") + digits + ' ' + std::string(currency);
}

std::string seoul_time(Timestamp at) {
  auto text = rfc3339(at + kSeoul).substr(0, 16);
  text[10] = ' ';
  return text;
}

Notice notice_of(const OrderPaid& order) {
  auto notice = about(NoticeKind::order_paid, order);
  const auto number = short_of(order.order_id);
  const auto money = written(order.paid);
  notice.en = {"Order " + number + " is paid", "Thank you. We have your " + money + " for " +
                                                   goods_en(order) + " (order " + number +
                                                   ") and are making it ready."};
  notice.ko = {"주문 " + number + " 결제 완료", "감사합니다. 주문 " + number + "(" +
                                                    goods_ko(order) + ")의 " + money +
                                                    " 결제가 완료되어 상품을 준비하고 있습니다."};
  return notice;
}

Notice notice_of(const OrderCancelled& order) {
  auto notice = about(NoticeKind::order_cancelled, order);
  const auto number = short_of(order.order_id);
  const bool paid = order.refunded.minor > 0;
  const auto money = written(order.refunded);
  notice.en = {"Order " + number + " is cancelled",
               "Your order " + number + " (" + goods_en(order) + ") is cancelled." +
                   (paid ? " " + money + " went back the way it came." : std::string())};
  notice.ko = {
      "주문 " + number + " 취소 안내",
      "주문 " + number + "(" + goods_ko(order) + ")이(가) 취소되었습니다." +
          (paid ? " " + money + "은(는) 결제하신 방법으로 환불되었습니다." : std::string())};
  return notice;
}

Notice notice_of(const OrderExpired& order) {
  auto notice = about(NoticeKind::order_expired, order);
  const auto number = short_of(order.order_id);
  notice.en = {"Order " + number + " has expired", "No payment came in time for your order " +
                                                       number + " (" + goods_en(order) +
                                                       "). It is no longer held for you."};
  notice.ko = {"주문 " + number + " 기한 만료", "주문 " + number + "(" + goods_ko(order) +
                                                    ")의 결제 기한이 지나 주문이 만료되었습니다."};
  return notice;
}

Notice notice_of(const OrderPaymentDue& order, Timestamp at) {
  Notice notice;
  notice.kind = NoticeKind::payment_reminder;
  // Given more time, a shopper is reminded once more.
  notice.id = id_of(notice.kind, order.order_id.uuid(), rfc3339(order.due_at));
  notice.member = order.member;
  notice.order_id = order.order_id;
  notice.at = at;
  const auto number = short_of(order.order_id);
  const auto money = written(order.due);
  const auto until = seoul_time(order.due_at);
  notice.en = {"Order " + number + " waits for your payment",
               "Please pay " + money + " for your order " + number + " before " + until +
                   " (Seoul). After that it is no longer held for you."};
  notice.ko = {"주문 " + number + " 결제 기한 안내",
               "주문 " + number + "의 " + money + "을(를) " + until +
                   "(한국 시각)까지 결제해 주세요. 기한이 지나면 주문이 만료됩니다."};
  return notice;
}

Notice notice_of(const OrderShipped& order) {
  auto notice = about(NoticeKind::order_shipped, order);
  const auto number = short_of(order.order_id);
  notice.en = {"Order " + number + " is on its way",
               "Your order " + number + " (" + goods_en(order) +
                   ") is on its way: " + order.carrier + ", waybill " + order.waybill + "."};
  notice.ko = {"주문 " + number + " 발송 안내",
               "주문 " + number + "(" + goods_ko(order) + ")이(가) 발송되었습니다. 택배사 " +
                   order.carrier + ", 운송장 번호 " + order.waybill};
  return notice;
}

Notice notice_of(const OrderDelivered& order) {
  auto notice = about(NoticeKind::order_delivered, order);
  const auto number = short_of(order.order_id);
  const auto until = seoul_time(order.refundable_until);
  notice.en = {"Order " + number + " has arrived", "Your order " + number + " (" + goods_en(order) +
                                                       ") has arrived. Until " + until +
                                                       " (Seoul) you can give it back."};
  notice.ko = {"주문 " + number + " 배송 완료", "주문 " + number + "(" + goods_ko(order) +
                                                    ")의 배송이 완료되었습니다. 환불은 " + until +
                                                    "(한국 시각)까지 신청하실 수 있습니다."};
  return notice;
}

Notice notice_of(const OrderPartlyRefunded& order) {
  return refunded(order, false);
}

Notice notice_of(const OrderRefunded& order) {
  return refunded(order, true);
}

Notice notice_of(const CouponIssued& coupon) {
  Notice notice;
  notice.kind = NoticeKind::coupon_issued;
  notice.id = id_of(notice.kind, coupon.coupon.uuid(), {});
  notice.member = coupon.member;
  notice.coupon = coupon.coupon;
  notice.at = coupon.at;
  const auto en = coupon.name.en.value_or(coupon.name.ko.value_or("coupon"));
  const auto ko = coupon.name.ko.value_or(coupon.name.en.value_or("쿠폰"));
  const auto until = seoul_time(coupon.use_until);
  notice.en = {"A coupon for you: " + en,
               "You have the coupon '" + en + "'. Use it until " + until + " (Seoul)."};
  notice.ko = {"쿠폰 발급: " + ko, "'" + ko + "' 쿠폰이 발급되었습니다. " + until +
                                       "(한국 시각)까지 사용하실 수 있습니다."};
  return notice;
}

}  // namespace dropline::notices
