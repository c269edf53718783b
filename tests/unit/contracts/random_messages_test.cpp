#include <doctest/doctest.h>

#include "dropline/contracts/catalogue.hpp"
#include "random_messages.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;

#define EVERY_MESSAGE                                                                              \
  PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock, CorrectStock, PutOffer,           \
      ReleaseUnits, SettleUnits, StockReserved, StockRefused, OrderRepeated, IdempotencyConflict,  \
      UnitsReleased, UnitsSettled, DropOpened, DropPaused, DropResumed, DropEnded, OfferPut,       \
      StockRestocked, StockCorrected, DropChangeRefused, OfferLevel, DropLevel, ShardHeartbeat,    \
      PutProduct, RetireProduct, ScheduleDrop, CatalogChanged, CatalogChangeRefused, ProductState, \
      DropListing, OpenPayment, ClosePayment, RefundPayment, ChargeWallet, GatewayAnswered,        \
      PaymentOpened, PaymentCaptured, PaymentDeclined, PaymentClosed, PaymentRefunded,             \
      RefundRefused, WalletCharged, WalletChargeDeclined, CancelOrder, RefundOrder, OrderReserved, \
      OrderAwaitingPayment, OrderPaid, OrderPaymentFailed, OrderExpired, OrderCancelled,           \
      OrderPartlyRefunded, OrderRefunded, OrderRejected, OrderChangeRefused

namespace {

constexpr std::uint64_t kSeed = 20261121;

template <class... Ts>
struct TypeList {
  static constexpr std::size_t kSize = sizeof...(Ts);
};
static_assert(TypeList<EVERY_MESSAGE>::kSize == 59);

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

}  // namespace

TEST_CASE("the catalogue has every message of the headers") {
  CHECK(all_types().size() == TypeList<EVERY_MESSAGE>::kSize);
}

TEST_CASE_TEMPLATE("any message is read back as it was written", T, EVERY_MESSAGE) {
  CAPTURE(T::kType);
  CAPTURE(kSeed);
  SeededRandom random(kSeed);
  MessageMaker maker(random);
  for (int round = 0; round < 200; ++round) {
    const auto message = maker.make<T>();
    const auto status = validate(message);
    REQUIRE(status);
    const auto body = encode(message);
    const auto again = decode<T>(body);
    REQUIRE_MESSAGE(again, (again ? "" : again.error().text() + body));
    CHECK(*again == message);
    CHECK(encode(*again) == body);
    CHECK_FALSE(message.partition_key().empty());
    CHECK_FALSE(message.subject().empty());
  }
}

TEST_CASE_TEMPLATE("mutated bytes are refused or read, never more", T, EVERY_MESSAGE) {
  CAPTURE(T::kType);
  CAPTURE(kSeed);
  SeededRandom random(kSeed);
  MessageMaker maker(random);
  for (int round = 0; round < 400; ++round) {
    const auto body = mutated(encode(maker.make<T>()), random);
    const auto message = decode<T>(body);
    if (!message) {
      CHECK(message.error().severity() == Severity::permanent);
      CHECK(valid_text(message.error().detail));
      continue;
    }
    // What was accepted is sound: it can be written, and read again.
    const auto again = decode<T>(encode(*message));
    REQUIRE_MESSAGE(again, (again ? "" : again.error().text() + body));
    CHECK(*again == *message);
  }
}
