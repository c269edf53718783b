#pragma once

#include "dropline/contracts/codec.hpp"
#include "dropline/notices/notices.hpp"
#include "dropline/worker/calls.hpp"

namespace dropline::testing {

inline notices::Notice a_notice() {
  notices::Notice notice;
  notice.id = NoticeId(*Uuid::parse("0190a0b0-0000-8000-8000-000000000001"));
  notice.member = MemberId(*Uuid::parse("0190a0b0-0000-7000-8000-000000000002"));
  notice.kind = notices::NoticeKind::order_paid;
  notice.en = {"Order 1 is paid", "Thank you.\n.\nWe have your money."};
  notice.ko = {"주문 1 결제 완료, 감사합니다. 상품을 준비하고 있습니다",
               "감사합니다.\n.\n결제되었습니다."};
  return notice;
}

inline worker::Call a_call(const notices::Notice& notice = a_notice()) {
  worker::Call call;
  call.id = notice.id.uuid();
  call.kind = "order_paid";
  call.request = contracts::encode(notice);
  return call;
}

}  // namespace dropline::testing
