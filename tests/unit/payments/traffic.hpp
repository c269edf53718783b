#pragma once

#include <variant>
#include <vector>

#include "dropline/base/random.hpp"
#include "scene.hpp"

/// Random records of a few members, as both topics could bring them: each topic in its own order,
/// copies of what came before in between, and the two topics interleaved anyhow.
namespace dropline::payments::testing {

using AnyMessage = std::variant<StockReserved, OpenPayment, ClosePayment, RefundPayment,
                                ChargeWallet, GatewayAnswered>;

struct Traffic {
  static constexpr std::uint32_t kMembers = 6;
  static constexpr std::uint32_t kOrders = 24;
  static constexpr std::uint32_t kCharges = 16;

  explicit Traffic(std::uint64_t seed) : random(seed) {
    for (std::uint32_t i = 0; i < kCharges; ++i)
      add_charge(i);
    for (std::uint32_t i = 0; i < kOrders; ++i)
      add_order(i);
    shuffle(commands);  // Commands of services need not come in the order that seems sensible.
    shuffle(facts);
    interleave();
  }

  std::vector<AnyMessage> facts;
  std::vector<AnyMessage> commands;
  std::vector<AnyMessage> all;  ///< as they are met

 private:
  [[nodiscard]] MemberId anyone() { return member(some(kMembers)); }
  [[nodiscard]] std::uint32_t some(std::uint64_t bound) {
    return static_cast<std::uint32_t>(random.below(bound));
  }

  void add_charge(std::uint32_t number) {
    const auto who = anyone();
    const auto amount = won(500 + some(20'000));
    if (some(4) != 0) commands.push_back(charge_wallet(charge(number), who, amount));
    if (some(8) == 0)
      commands.push_back(gateway_says(charge(number), who, GatewayOutcome::declined, {}));
    if (some(8) == 0)
      commands.push_back(gateway_says(charge(number), who, GatewayOutcome::unknown, {}));
    const auto took = some(8) == 0 ? won(amount.minor + 1) : amount;
    commands.push_back(gateway_took(charge(number), who, took));
  }

  void add_order(std::uint32_t number) {
    const auto who = anyone();
    const auto amount = won(some(8'000));
    const auto method = some(6) == 0 ? PaymentMethod::card : PaymentMethod::wallet;
    auto fact = reserved(order(number), who, amount, method);
    if (some(4) == 0) {
      fact.coupon = numbered<CouponId>(7, number);
      commands.push_back(open_payment(order(number), who, won(amount.minor / 2), method));
    }
    facts.push_back(fact);
    for (std::uint32_t i = 0; i < some(3); ++i)
      commands.push_back(
          refund_payment(refund_id(number * 10 + i), order(number), who, won(some(6'000))));
    if (some(2) == 0)
      commands.push_back(close_payment(order(number), who,
                                       some(2) == 0 ? EndCause::expired : EndCause::cancelled));
  }

  void shuffle(std::vector<AnyMessage>& messages) {
    for (std::size_t i = messages.size(); i > 1; --i)
      std::swap(messages[i - 1], messages[random.below(i)]);
  }

  void interleave() {
    std::size_t fact = 0;
    std::size_t command = 0;
    while (fact < facts.size() || command < commands.size()) {
      const bool take_fact = command == commands.size() || (fact < facts.size() && some(2) == 0);
      all.push_back(take_fact ? facts[fact++] : commands[command++]);
      if (some(3) == 0) all.push_back(all[random.below(all.size())]);
    }
  }

  SeededRandom random;
};

}  // namespace dropline::payments::testing
