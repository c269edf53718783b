#include <doctest/doctest.h>

#include <type_traits>

#include "dropline/contracts/catalogue.hpp"
#include "random_messages.hpp"

using namespace dropline;
using namespace dropline::contracts;

namespace {

constexpr std::uint64_t kSeed = 20261121;

template <class... Ts>
struct TypeList {
  static constexpr std::size_t kSize = sizeof...(Ts);
};
using EveryMessage =
    TypeList<PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock, CorrectStock, PutOffer,
             ReleaseUnits, SettleUnits, StockReserved, StockRefused, OrderRepeated,
             IdempotencyConflict, UnitsReleased, UnitsSettled, DropOpened, DropPaused, DropResumed,
             DropEnded, OfferPut, StockRestocked, StockCorrected, DropChangeRefused, OfferLevel,
             DropLevel, ShardHeartbeat, PutProduct, RetireProduct, ScheduleDrop, CatalogChanged,
             CatalogChangeRefused, ProductState, DropListing, OpenPayment, ClosePayment,
             RefundPayment, ChargeWallet, GatewayAnswered, PaymentOpened, PaymentCaptured,
             PaymentDeclined, PaymentClosed, PaymentRefunded, RefundRefused, WalletCharged,
             WalletChargeDeclined, CancelOrder, RefundOrder, OrderReserved, OrderAwaitingPayment,
             OrderPaid, OrderPaymentFailed, OrderExpired, OrderCancelled, OrderPartlyRefunded,
             OrderRefunded, OrderRejected, OrderChangeRefused, ExtendDeadlines, PutCampaign,
             PauseCampaign, ResumeCampaign, EndCampaign, IssueCoupon, GrantCoupon, ReserveCoupon,
             RedeemCoupon, ReleaseCoupon, CouponIssued, CouponRefused, CouponReserved,
             CouponDeclined, CouponRedeemed, CouponReleased, CampaignChanged, CampaignChangeRefused,
             OrderPaymentDue, OrderDeadlineExtended, OrderCouponRefused, OrderPreparing,
             OrderShipped, OrderDelivered, OrderCompleted, CloseDelivery, ShipDelivery,
             CorrectWaybill, DeliverDelivery, DeliveryPreparing, DeliveryShipped,
             DeliveryWaybillCorrected, DeliveryDelivered, DeliveryClosed, DeliveryChangeRefused,
             PointsAccrued, PointsReversed, RankingSnapshot, GatewayNoticed, BankDeposited,
             CreditDeposit, DepositTaken, AssignDeposit, ReturnDeposit, SendReturn, MoneyReturned>;

/// Changes a few bytes: flips, cuts, doubles, or drops in something that JSON cares about.
std::string mutated(std::string text, Random& random) {
  constexpr std::string_view kSpice[] = {"{",       "}",    "[",    "]",
                                         "\"",      ",",    ":",    "null",
                                         "-1",      "1e9",  "true", "99999999999999999999",
                                         "\\u0000", "\xFF", "0.5",  "\\"};
  for (auto changes = 1 + random.below(3); changes > 0 && !text.empty(); --changes) {
    const auto at = random.below(text.size());
    switch (random.below(5)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, 1 + random.below(8));
        break;
      case 2:
        text.insert(at, text.substr(at, 1 + random.below(16)));
        break;
      case 3:
        text.insert(at, kSpice[random.below(std::size(kSpice))]);
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

/// Empty when `rounds` random messages came through, else what went wrong. Apart from the test
/// cases, whose macros are too dear to be expanded for every type.
template <class T>
std::string round_trips(int rounds) {
  SeededRandom random(kSeed);
  MessageMaker maker(random);
  for (int round = 0; round < rounds; ++round) {
    const auto message = maker.make<T>();
    if (const auto status = validate(message); !status) return status.error().text();
    const auto body = encode(message);
    const auto again = decode<T>(body);
    if (!again) return again.error().text() + " in " + body;
    if (*again != message || encode(*again) != body) return "not the same again: " + body;
    if (message.partition_key().empty() || message.subject().empty()) return "no key: " + body;
  }
  return {};
}

template <class T>
std::string withstands_mutation(int rounds) {
  SeededRandom random(kSeed);
  MessageMaker maker(random);
  for (int round = 0; round < rounds; ++round) {
    const auto body = mutated(encode(maker.make<T>()), random);
    const auto message = decode<T>(body);
    if (!message) {
      if (!valid_text(message.error().detail)) return "a detail that is no text, of " + body;
      continue;
    }
    // What was accepted is sound: it can be written, and read again.
    const auto again = decode<T>(encode(*message));
    if (!again) return again.error().text() + " in what was accepted as " + body;
    if (*again != *message) return "not the same again: " + body;
  }
  return {};
}

template <class... Ts>
void check_each(TypeList<Ts...>, auto check) {
  const std::pair<std::string_view, std::string> results[] = {
      {Ts::kType, check(std::type_identity<Ts>{})}...};
  for (const auto& [type, failure] : results) {
    CAPTURE(type);
    CAPTURE(kSeed);
    CHECK(failure == "");
  }
}

}  // namespace

TEST_CASE("the catalogue has every message of the headers") {
  CHECK(all_types().size() == EveryMessage::kSize);
}

TEST_CASE("any message is read back as it was written") {
  check_each(EveryMessage(), []<class T>(std::type_identity<T>) { return round_trips<T>(200); });
}

TEST_CASE("mutated bytes are refused or read, never more") {
  check_each(EveryMessage(),
             []<class T>(std::type_identity<T>) { return withstands_mutation<T>(400); });
}
