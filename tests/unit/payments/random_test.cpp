#include <algorithm>
#include <set>

#include "traffic.hpp"

using namespace dropline::payments::testing;
using dropline::payments::Entry;
using dropline::payments::PaymentState;
using dropline::payments::TransferKind;

namespace {

constexpr std::uint64_t kSeeds = 300;

/// No charge, order or refund moves money twice for the same reason.
void check_one_effect_each(const Desk& desk) {
  std::set<std::tuple<dropline::MemberId, TransferKind, dropline::Uuid>> seen;
  for (const auto& entry : desk.book.entries)
    if (entry.account == dropline::payments::AccountName::wallet)
      REQUIRE(seen.emplace(entry.member, entry.kind, entry.reference).second);
}

std::int64_t moved(const Desk& desk, TransferKind kind, const dropline::Uuid& reference) {
  std::int64_t sum = 0;
  for (const auto& entry : desk.book.entries)
    if (entry.kind == kind && entry.reference == reference &&
        entry.account == dropline::payments::AccountName::wallet)
      sum += entry.amount.minor;
  return sum;
}

/// The rows say what the ledger did, and a payment that was closed for good holds nothing.
void check_payments(const Desk& desk, const Traffic& traffic) {
  for (const auto& [key, payment] : desk.book.payments) {
    REQUIRE(-moved(desk, TransferKind::capture, key.order.uuid()) == payment.captured);
    if (payment.state == PaymentState::closed) REQUIRE(payment.held().minor == 0);
  }
  for (const auto& message : traffic.commands) {
    const auto* closing = std::get_if<ClosePayment>(&message);
    if (closing == nullptr) continue;
    const auto& payment = desk.payment(closing->order_id, closing->member);
    if (closing->cause != EndCause::expired) REQUIRE(payment.state == PaymentState::closed);
    REQUIRE(payment.state != PaymentState::open);
  }
}

}  // namespace

TEST_CASE("whatever comes twice, early or late, no money is made, lost or moved twice") {
  std::set<std::string> words;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    const Traffic traffic(seed);
    Desk desk;
    for (const auto& message : traffic.all) {
      auto word = std::visit(desk, message);
      check_ledger(desk.book);
      words.insert(word.substr(0, word.find_first_of("0123456789")));
    }
    check_one_effect_each(desk);
    check_payments(desk, traffic);

    // All of it again changes nothing.
    const auto entries = desk.book.entries.size();
    for (const auto& message : traffic.all)
      static_cast<void>(std::visit(desk, message));
    REQUIRE(desk.book.entries.size() == entries);
  }
  // The traffic is worth the name: it met every kind of answer.
  for (const char* word :
       {"nothing", "opened ", "captured ", "declined insufficient_funds", "closed cancelled ",
        "closed expired ", "closed payment_failed ", "refunded ", "refused not_captured",
        "refused more_than_captured", "refused unknown_order", "refused closed", "charged ",
        "charge declined declined", "charge declined wrong_amount",
        "charge declined below_minimum"})
    CHECK_MESSAGE(words.contains(word), word);
}

TEST_CASE("the order in which topics are met changes no order that was closed for good") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    const Traffic traffic(seed);
    Desk facts_first;
    Desk commands_first;
    for (const auto* part : {&traffic.facts, &traffic.commands})
      for (const auto& message : *part)
        static_cast<void>(std::visit(facts_first, message));
    for (const auto* part : {&traffic.commands, &traffic.facts})
      for (const auto& message : *part)
        static_cast<void>(std::visit(commands_first, message));
    check_ledger(facts_first.book);
    check_ledger(commands_first.book);
    for (const auto& message : traffic.commands) {
      const auto* closing = std::get_if<ClosePayment>(&message);
      if (closing == nullptr || closing->cause == EndCause::expired) continue;
      for (const auto* desk : {&facts_first, &commands_first}) {
        const auto& payment = desk->payment(closing->order_id, closing->member);
        REQUIRE(payment.state == PaymentState::closed);
        REQUIRE(payment.held().minor == 0);
      }
    }
  }
}
