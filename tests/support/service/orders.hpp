#pragma once

#include <string>
#include <vector>

#include "dropline/contracts/orders_events.hpp"

/// Orders and what ordering says of them, by short names.
namespace dropline::testing {

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
inline OrderId order(std::uint32_t number) {
  return numbered<OrderId>(2, number);
}
inline RefundId refund_id(std::uint32_t number) {
  return numbered<RefundId>(4, number);
}
inline ProductId product(std::uint32_t number) {
  return numbered<ProductId>(5, number);
}
inline contracts::ChangeId change(std::uint32_t number) {
  return numbered<contracts::ChangeId>(6, number);
}
inline Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}

/// 2026-01-01 00:00 UTC, a Thursday.
inline const Timestamp kNewYear = from_unix_ms(1'767'225'600'000);

struct Bought {
  std::string_view sku = "TEE-M";
  std::int32_t quantity = 1;
  std::int64_t price = 1'000;
};

template <class Step>
Step step(std::uint32_t id, std::uint32_t who, contracts::OrderState state, std::int64_t version,
          const std::vector<Bought>& lines = {{}}) {
  Step out;
  out.order_id = order(id);
  out.member = member(who);
  out.version = version;
  out.state = state;
  out.total = won(0);
  for (const auto& line : lines) {
    const auto amount = won(line.price * line.quantity);
    out.lines.push_back(
        {Sku::parse(line.sku).value(), product(1), line.quantity, won(line.price), amount});
    out.total.minor += amount.minor;
  }
  out.placed_at = kNewYear;
  out.entry = {kNewYear, state, "payments/1#1-0", {contracts::ActorKind::service, "payments"}, {}};
  return out;
}

inline contracts::OrderPaid paid(std::uint32_t id, std::uint32_t who,
                                 const std::vector<Bought>& lines = {{}},
                                 std::int64_t version = 2) {
  auto out = step<contracts::OrderPaid>(id, who, contracts::OrderState::paid, version, lines);
  out.paid = out.total;
  return out;
}

inline contracts::OrderCancelled cancelled(std::uint32_t id, std::uint32_t who,
                                           const std::vector<Bought>& lines = {{}},
                                           std::int64_t version = 3) {
  auto out =
      step<contracts::OrderCancelled>(id, who, contracts::OrderState::cancelled, version, lines);
  out.refunded = out.total;
  return out;
}

template <class Refund>
Refund refunded(std::uint32_t id, std::uint32_t who, const std::vector<Bought>& lines,
                const std::vector<Bought>& back, std::int64_t total, std::int64_t version) {
  auto out = step<Refund>(id, who,
                          std::same_as<Refund, contracts::OrderRefunded>
                              ? contracts::OrderState::refunded
                              : contracts::OrderState::delivered,
                          version, lines);
  out.refund = refund_id(id * 100 + static_cast<std::uint32_t>(version));
  out.refunded = won(0);
  for (const auto& line : back) {
    out.refunded_lines.push_back(
        {Sku::parse(line.sku).value(), line.quantity, won(line.price * line.quantity)});
    out.refunded.minor += line.price * line.quantity;
  }
  out.refunded_total = won(total);
  return out;
}

}  // namespace dropline::testing
