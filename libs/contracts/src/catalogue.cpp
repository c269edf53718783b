#include "dropline/contracts/catalogue.hpp"

#include <algorithm>
#include <array>

#include "dropline/contracts/catalog_commands.hpp"
#include "dropline/contracts/catalog_events.hpp"
#include "dropline/contracts/catalog_products.hpp"
#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/payments_outside.hpp"
#include "dropline/contracts/points_events.hpp"
#include "dropline/contracts/rankings_snapshots.hpp"
#include "dropline/contracts/schema.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"

namespace dropline::contracts {
namespace {

template <Message T>
Result<std::string> normalize(std::string_view body) {
  auto message = decode<T>(body);
  if (!message) return std::move(message).error();
  return encode(*message);
}

template <Message T>
Result<std::string> key_of(std::string_view body) {
  auto message = decode<T>(body);
  if (!message) return std::move(message).error();
  return message->partition_key();
}

template <Message... Ts>
constexpr auto types() {
  return std::array{MessageType{Ts::kType, Ts::kTopic, Signed<Ts>, &normalize<Ts>, &key_of<Ts>,
                                &json_schema<Ts>}...};
}

constexpr auto kTypes =
    types<PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock, CorrectStock, PutOffer,
          ReleaseUnits, SettleUnits,
          //
          StockReserved, StockRefused, OrderRepeated, IdempotencyConflict, UnitsReleased,
          UnitsSettled, DropOpened, DropPaused, DropResumed, DropEnded, OfferPut, StockRestocked,
          StockCorrected, DropChangeRefused,
          //
          OfferLevel, DropLevel, ShardHeartbeat,
          //
          PutProduct, RetireProduct, ScheduleDrop, CatalogChanged, CatalogChangeRefused,
          ProductState, DropListing,
          //
          OpenPayment, ClosePayment, RefundPayment, ChargeWallet, GatewayAnswered, GatewayNoticed,
          BankDeposited, CreditDeposit, DepositTaken, AssignDeposit, ReturnDeposit, SendReturn,
          //
          PaymentOpened, PaymentCaptured, PaymentDeclined, PaymentClosed, PaymentRefunded,
          RefundRefused, WalletCharged, WalletChargeDeclined, MoneyReturned,
          //
          CancelOrder, RefundOrder, ExtendDeadlines,
          //
          PutCampaign, PauseCampaign, ResumeCampaign, EndCampaign, IssueCoupon, GrantCoupon,
          ReserveCoupon, RedeemCoupon, ReleaseCoupon, CouponIssued, CouponRefused, CouponReserved,
          CouponDeclined, CouponRedeemed, CouponReleased, CampaignChanged, CampaignChangeRefused,
          //
          OrderReserved, OrderAwaitingPayment, OrderPaid, OrderPaymentFailed, OrderExpired,
          OrderCancelled, OrderPartlyRefunded, OrderRefunded, OrderRejected, OrderChangeRefused,
          OrderPaymentDue, OrderDeadlineExtended, OrderCouponRefused, OrderPreparing, OrderShipped,
          OrderDelivered, OrderCompleted,
          //
          CloseDelivery, ShipDelivery, CorrectWaybill, DeliverDelivery, DeliveryPreparing,
          DeliveryShipped, DeliveryWaybillCorrected, DeliveryDelivered, DeliveryClosed,
          DeliveryChangeRefused,
          //
          PointsAccrued, PointsReversed, RankingSnapshot>();

}  // namespace

std::span<const MessageType> all_types() noexcept {
  return kTypes;
}

const MessageType* find_type(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kTypes, name, &MessageType::name);
  return found == kTypes.end() ? nullptr : found;
}

}  // namespace dropline::contracts
