#include "texts.hpp"

namespace dropline::shop {

Text refusal_text(contracts::RejectReason reason) noexcept {
  using enum contracts::RejectReason;
  switch (reason) {
    case not_open:
      return {"The drop is not open yet", "아직 판매가 시작되지 않았습니다"};
    case drop_closed:
      return {"The drop is closed", "판매가 종료되었습니다"};
    case paused:
      return {"The drop is paused", "판매가 잠시 중단되었습니다"};
    case sold_out:
      return {"Sold out", "품절되었습니다"};
    case all_held:
      return {"All units are held; some may return",
              "모든 수량이 예약 중이며 일부가 풀릴 수 있습니다"};
    case limit_exceeded:
      return {"Over the limit a member", "1인당 구매 한도를 초과했습니다"};
    case unknown_product:
      return {"No such product is offered", "판매하지 않는 상품입니다"};
    case price_changed:
      return {"The price is another now", "가격이 변경되었습니다"};
    case blocked:
      return {"This member may not order", "주문이 제한된 회원입니다"};
    case internal_error:
      return {"The order could not be judged", "주문을 처리하지 못했습니다"};
  }
  return {"Refused", "거절되었습니다"};
}

http::Problem problem(int status, std::string_view code, const Text& title,
                      http::Language language) {
  return http::Problem(status, std::string(code), title.in(language));
}

}  // namespace dropline::shop
