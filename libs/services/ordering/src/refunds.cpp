// Refunds of delivered orders: which units, for how much, each once.
#include <algorithm>
#include <map>

#include "dropline/base/ensure.hpp"
#include "steps.hpp"

namespace dropline::ordering {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

/// Of one line, what refunds that were not refused have taken.
struct Taken {
  std::int32_t units = 0;
  std::int64_t amount = 0;
};

Taken taken_of(const Order& order, const Sku& sku) {
  Taken taken;
  for (const auto& refund : order.given_back) {
    if (refund.state == RefundState::refused) continue;
    for (const auto& line : refund.lines) {
      if (line.sku != sku) continue;
      taken.units += line.quantity;
      taken.amount += line.amount.minor;
    }
  }
  return taken;
}

/// What units of a line cost: of all units together exactly what was paid for the line, whatever
/// they are divided into. Within 64 bits: an amount is below 2^53, a quantity at most 1,000.
std::int64_t worth(const PricedLine& line, const Taken& taken, std::int32_t quantity) {
  const auto net = line.amount.minor - (line.discount ? line.discount->minor : 0);
  const auto units = taken.units + quantity;
  if (units == line.quantity) return net - taken.amount;
  return std::max<std::int64_t>(net * units / line.quantity - taken.amount, 0);
}

/// The lines asked for with their amounts; absent where they are not there to be given back.
std::optional<std::vector<RefundLine>> lines_of(const Order& order, const RefundOrder& command) {
  std::vector<RefundLine> out;
  const auto add = [&](const PricedLine& line, std::int32_t quantity, const Taken& taken) {
    out.push_back({line.sku, quantity, {worth(line, taken, quantity), line.amount.currency}});
  };
  if (!command.lines) {
    for (const auto& line : order.lines) {
      const auto taken = taken_of(order, line.sku);
      if (taken.units < line.quantity) add(line, line.quantity - taken.units, taken);
    }
    return out;
  }
  for (const auto& asked : *command.lines) {
    const auto line = std::ranges::find(order.lines, asked.sku, &PricedLine::sku);
    if (line == order.lines.end()) return std::nullopt;
    const auto taken = taken_of(order, asked.sku);
    if (asked.quantity > line->quantity - taken.units) return std::nullopt;
    add(*line, asked.quantity, taken);
  }
  return out;
}

std::optional<OrderRefusal> why_not(const Order& order, const RefundOrder& command,
                                    const Record& record) {
  if (order.state == OrderState::completed) return OrderRefusal::too_late;
  if (order.state != OrderState::delivered) return OrderRefusal::wrong_state;
  if (order.due_at && record.at >= *order.due_at && command.actor.kind != ActorKind::admin)
    return OrderRefusal::too_late;
  if (all_given_back(order)) return OrderRefusal::already_asked;
  if (order.given_back.size() >= kMaxRefunds) return OrderRefusal::too_many;
  if (order.payment.method == PaymentMethod::bank && order.paid().minor > 0 && !command.account)
    return OrderRefusal::account_needed;
  return std::nullopt;
}

Refund* find(Order& order, const RefundId& id) {
  const auto found = std::ranges::find(order.given_back, id, &Refund::refund);
  return found == order.given_back.end() ? nullptr : &*found;
}

/// What is answered to a copy of a command that was met before.
Noted again(const Order& order, const Refund& refund) {
  if (refund.state != RefundState::refused) return {};
  return {false, refused(order, refund.refund, refund.actor, OrderRefusal::money_missing)};
}

Noted keep_for_later(Order& order, const Terms& terms, const RefundOrder& command,
                     const Record& record) {
  if (std::ranges::find(order.refunds, command.refund, &AskedRefund::refund) != order.refunds.end())
    return {};
  if (order.refunds.size() >= kMaxAskedRefunds)
    return {false, refused(order, command.refund, command.actor, OrderRefusal::already_asked)};
  order.refunds.push_back({command.refund, command.actor});
  if (!order.known && !order.deadline) order.deadline = record.at + terms.patience;
  return {true};
}

}  // namespace

bool all_given_back(const Order& order) {
  return std::ranges::all_of(order.lines, [&](const PricedLine& line) {
    return taken_of(order, line.sku).units == line.quantity;
  });
}

bool refund_under_way(const Order& order) {
  return std::ranges::any_of(
      order.given_back, [](const Refund& refund) { return refund.state == RefundState::asked; });
}

/// Goods that were not delivered are not given back: such an order is cancelled.
Noted note(Order& order, const Terms& terms, const RefundOrder& command, const Record& record) {
  if (order.state == OrderState::received) return keep_for_later(order, terms, command, record);
  if (const auto* refund = find(order, command.refund)) return again(order, *refund);
  if (const auto reason = why_not(order, command, record))
    return {false, refused(order, command.refund, command.actor, *reason)};
  auto lines = lines_of(order, command);
  if (!lines)
    return {false, refused(order, command.refund, command.actor, OrderRefusal::wrong_lines)};
  Refund refund;
  refund.refund = command.refund;
  refund.record = record;
  refund.actor = command.actor;
  refund.reason = command.reason;
  refund.amount.currency = order.total.currency;
  for (const auto& line : *lines)
    refund.amount.minor += line.amount.minor;
  refund.lines = std::move(*lines);
  refund.account = command.account;
  refund.fresh = true;
  order.given_back.push_back(std::move(refund));
  return {true};
}

bool note(Order& order, const PaymentRefunded& fact, const Record& record) {
  auto* refund = find(order, fact.refund);
  if (!refund || refund->state != RefundState::asked) return false;
  refund->state = RefundState::refunded;
  refund->refunded_at = record.at;
  refund->fresh = true;
  return true;
}

bool note(Order& order, const RefundRefused& fact, const Record&) {
  auto* refund = find(order, fact.refund);
  if (!refund || refund->state != RefundState::asked) return false;
  refund->state = RefundState::refused;
  refund->fresh = true;
  return true;
}

std::vector<Money> allot(const Money& discount, std::span<const PricedLine> lines) {
  __extension__ using Wide = unsigned __int128;
  Wide total = 0;
  for (const auto& line : lines)
    total += static_cast<Wide>(line.amount.minor);
  ensure(discount.minor >= 0 && static_cast<Wide>(discount.minor) <= total,
         "a discount is at most what it is taken off");
  std::vector<Money> parts;
  std::vector<std::pair<Wide, std::size_t>> remainders;
  auto left = discount.minor;
  for (const auto& line : lines) {
    const auto product = static_cast<Wide>(discount.minor) * static_cast<Wide>(line.amount.minor);
    const auto part = total == 0 ? 0 : static_cast<std::int64_t>(product / total);
    remainders.emplace_back(total == 0 ? 0 : product % total, parts.size());
    parts.push_back({part, discount.currency});
    left -= part;
  }
  std::ranges::sort(remainders, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (std::size_t i = 0; left > 0; ++i, --left)
    ++parts[remainders[i].second].minor;
  return parts;
}

}  // namespace dropline::ordering
