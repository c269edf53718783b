#include "order_verdict.hpp"

#include <algorithm>
#include <set>

#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/store/table.hpp"
#include "loop_verdict.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

using store::Type;
using Key = OrderOf;

/// The table of states once more, as the design has it and by hand, so that a state that the
/// service's own table allows by mistake is found.
bool allowed(std::string_view from, std::string_view to) {
  static const std::set<std::pair<std::string_view, std::string_view>> kSteps{
      {"received", "reserved"},
      {"received", "awaiting_payment"},
      {"received", "paid"},
      {"received", "rejected"},
      {"received", "payment_failed"},
      {"received", "cancelled"},
      {"received", "expired"},
      {"reserved", "awaiting_payment"},
      {"reserved", "paid"},
      {"reserved", "payment_failed"},
      {"reserved", "cancelled"},
      {"reserved", "expired"},
      {"awaiting_payment", "paid"},
      {"awaiting_payment", "payment_failed"},
      {"awaiting_payment", "cancelled"},
      {"awaiting_payment", "expired"},
      {"reserved", "coupon_refused"},
      {"paid", "preparing"},
      {"paid", "cancelled"},
      {"preparing", "shipped"},
      {"preparing", "cancelled"},
      {"shipped", "delivered"},
      {"delivered", "completed"},
      {"delivered", "refunded"},
      // More time, and a refund of a part.
      {"awaiting_payment", "awaiting_payment"},
      {"delivered", "delivered"}};
  return kSteps.contains({from, to});
}

/// A step made public.
struct Step {
  std::int64_t version = 0;
  std::string state;
};

class OrderJudge final {
 public:
  OrderJudge(Findings& out, const LogCopy& log, store::Session& session, const CommandKeys& keys,
             const OrderRows& rows)
      : out_(out), log_(log), session_(session), keys_(keys), rows_(rows) {}

  std::map<Place, std::string> pass() {
    find_bad<CancelOrder, RefundOrder, ExtendDeadlines>(bad_, log_, topic::kOrderingCommands, true,
                                                        keys_);
    find_bad<StockReserved, StockRefused>(bad_, log_, topic::kStockEvents, false, keys_);
    find_bad<CouponReserved, CouponDeclined>(bad_, log_, topic::kCouponsEvents, false, keys_);
    find_bad<PaymentOpened, PaymentCaptured, PaymentDeclined, PaymentClosed, PaymentRefunded,
             RefundRefused>(bad_, log_, topic::kPaymentsEvents, false, keys_);
    find_bad<DeliveryPreparing, DeliveryShipped, DeliveryWaybillCorrected, DeliveryDelivered,
             DeliveryClosed>(bad_, log_, topic::kDeliveriesEvents, false, keys_);
    load();
    check_rows();
    check_steps();
    check_ends();
    check_release_order();
    check_commands();
    check_refunds();
    check_money();
    return std::move(bad_);
  }

 private:
  void load() {
    const auto stock = store::query(
        session_,
        {"outcomes", "stock", "SELECT order_id, member, outcome, settled, total FROM {orders}"}, {},
        {Type::uuid, Type::uuid, Type::text, Type::boolean, Type::int64});
    if (!stock) return out_.blame("stock's orders cannot be read: " + stock.error().text());
    for (const auto row : *stock)
      stock_[{row.id<OrderId>(0), row.id<MemberId>(1)}] = {std::string(row.text(2)),
                                                           row.boolean(3)};
  }

  /// Every order that stock judged rests in exactly one state, and no other order is there.
  void check_rows() {
    for (const auto& [key, outcome] : stock_) {
      const auto row = rows_.find(key);
      const auto name = "order " + key.first.text();
      if (row == rows_.end() || !row->second.known) {
        out_.blame(name + " was judged, and ordering does not know it");
        continue;
      }
      const auto& state = row->second.state;
      if ((outcome.first == "refused") != (state == "rejected"))
        out_.blame(name + " is " + outcome.first + " in stock and " + state + " in public");
      if (row->second.deadline) out_.blame(name + " still waits for a deadline, " + state);
    }
    for (const auto& [key, row] : rows_)
      if (row.known && !stock_.contains(key))
        out_.blame("order " + key.first.text() + " is known to ordering alone");
    for (const auto& [key, row] : rows_)
      if (!row.known)
        out_.blame("something of order " + key.first.text() + " is still kept, and it never came");
  }

  template <class T>
  void collect() {
    log_.each(topic::kOrdersEvents, T::kType,
              [this](const stream::Record&, const Envelope& envelope) {
                const auto told = decode<T>(envelope);
                if (!told) return out_.blame("a step cannot be read: " + told.error().text());
                steps_[{told->order_id, told->member}].push_back(
                    {told->version, std::string(to_text(told->state))});
              });
  }

  /// States move along the table only, each step has a number of its own, and the last is the
  /// row's.
  void check_steps() {
    collect<OrderReserved>();
    collect<OrderAwaitingPayment>();
    collect<OrderPaid>();
    collect<OrderPaymentFailed>();
    collect<OrderExpired>();
    collect<OrderCancelled>();
    collect<OrderRejected>();
    collect<OrderCouponRefused>();
    collect<OrderPreparing>();
    collect<OrderShipped>();
    collect<OrderDelivered>();
    collect<OrderCompleted>();
    collect<OrderPartlyRefunded>();
    collect<OrderRefunded>();
    collect<OrderDeadlineExtended>();
    for (auto& [key, steps] : steps_) {
      const auto name = "order " + key.first.text();
      std::ranges::sort(steps, {}, &Step::version);
      std::string state = "received";
      std::int64_t version = 0;
      for (const auto& step : steps) {
        if (step.version == version)
          out_.blame(name + " has two steps of number " + std::to_string(version));
        if (!allowed(state, step.state)) out_.blame(name + " went " + state + " → " + step.state);
        state = step.state;
        version = step.version;
      }
      const auto row = rows_.find(key);
      if (row == rows_.end()) {
        out_.blame(name + " was told of and has no row");
      } else {
        out_.equal(row->second.state, state, name + "'s state and what was told last");
        out_.equal_number(row->second.version, version, name + "'s steps");
      }
    }
    for (const auto& [key, row] : rows_)
      if (row.known && !steps_.contains(key))
        out_.blame("order " + key.first.text() + " was never told of");
  }

  /// Sold: its units are settled, and goods are on their way or could be. Ended: they are back.
  /// Nothing in between. What was refunded lies here, and is not free.
  void check_ends() {
    static const std::set<std::string> kEnded{"payment_failed", "expired", "cancelled",
                                              "coupon_refused"};
    for (const auto& [key, row] : rows_) {
      const auto stock = stock_.find(key);
      if (!row.known || stock == stock_.end()) continue;
      const auto& [outcome, settled] = stock->second;
      const auto name = "order " + key.first.text() + " is " + row.state;
      if (row.sold() && row.state != "paid" && row.state != "delivered") {
        if (outcome != "reserved" || !settled)
          out_.blame(name + ", its units are " + outcome + (settled ? "" : ", not settled"));
      } else if (kEnded.contains(row.state)) {
        if (outcome != "released") out_.blame(name + ", its units are " + outcome);
      } else if (row.state != "rejected") {
        out_.blame(name + ", and nothing is left to happen");
      }
    }
  }

  /// Nothing is released before money is closed, or was never asked for.
  void check_release_order() {
    std::set<Key> closed;
    const auto note = [&closed](const auto& told) { closed.emplace(told.order_id, told.member); };
    log_.each(topic::kPaymentsEvents, PaymentClosed::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (const auto told = decode<PaymentClosed>(envelope)) note(*told);
              });
    log_.each(topic::kPaymentsEvents, PaymentDeclined::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (const auto told = decode<PaymentDeclined>(envelope)) note(*told);
              });
    log_.each(topic::kCouponsEvents, CouponDeclined::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (const auto told = decode<CouponDeclined>(envelope)) note(*told);
              });
    log_.each(topic::kStockEvents, UnitsReleased::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                const auto told = decode<UnitsReleased>(envelope);
                if (told && !closed.contains({told->order_id, told->member}))
                  out_.blame("units of order " + told->order_id.text() +
                             " went back before its money was closed");
              });
  }

  template <class T, class Take>
  void each(Take take) {
    log_.each(T::kTopic, T::kType, [&](const stream::Record&, const Envelope& envelope) {
      if (const auto told = decode<T>(envelope)) take(*told);
    });
  }

  /// Every cancellation and refund was answered: done, or refused with a reason.
  void check_commands() {
    std::set<Uuid> answered;
    each<OrderChangeRefused>([&](const OrderChangeRefused& told) {
      if (told.change) answered.insert(told.change->uuid());
      if (told.refund) answered.insert(told.refund->uuid());
    });
    each<OrderPartlyRefunded>([&](const auto& told) { answered.insert(told.refund.uuid()); });
    each<OrderRefunded>([&](const auto& told) { answered.insert(told.refund.uuid()); });
    log_.for_all(topic::kOrderingCommands, [&](const stream::Record& record) {
      if (bad_.contains({std::string(topic::kOrderingCommands), record.partition, record.offset}))
        return;
      const auto envelope = parse_envelope(record);
      if (!envelope) return;
      if (envelope->type == CancelOrder::kType) {
        const auto cancel = decode<CancelOrder>(*envelope);
        const auto row = rows_.find({cancel->order_id, cancel->member});
        const bool done = row != rows_.end() && row->second.state == "cancelled";
        if (!done && !answered.contains(cancel->change.uuid()))
          out_.blame("the cancellation of order " + cancel->order_id.text() +
                     " was neither made nor refused; it is " +
                     (row == rows_.end() ? "unknown" : row->second.state));
      } else if (envelope->type == RefundOrder::kType) {
        const auto refund = decode<RefundOrder>(*envelope);
        if (!answered.contains(refund->refund.uuid()))
          out_.blame("a refund of order " + refund->order_id.text() +
                     " was neither made nor refused");
      }
    });
  }

  /// Of a line no more units went back than were sold, refunds sum to what the row says, and of an
  /// order that went back whole all that was paid.
  void check_refunds() {
    std::map<Key, std::int64_t> money;
    std::map<std::pair<Key, Sku>, std::int64_t> units;
    std::map<std::pair<Key, Sku>, std::int64_t> sold;
    std::map<RefundId, int> told_of;
    const auto take = [&](const auto& told) {
      const Key key{told.order_id, told.member};
      money[key] += told.refunded.minor;
      for (const auto& line : told.refunded_lines)
        units[{key, line.sku}] += line.quantity;
      for (const auto& line : told.lines)
        sold[{key, line.sku}] = line.quantity;
      if (++told_of[told.refund] > 1) out_.blame("a refund was told twice");
      out_.equal_number(told.refunded_total.minor, money[key],
                        "refunded in all of order " + key.first.text());
    };
    refunds_in_order(take);
    for (const auto& [line, given_back] : units)
      if (given_back > sold[line])
        out_.blame("more units of order " + line.first.first.text() + " went back than were sold");
    for (const auto& [key, row] : rows_) {
      if (!row.sold()) continue;
      const auto name = "refunded of order " + key.first.text() + ", which is " + row.state;
      out_.equal_number(row.refunded, money[key], name);
      if (row.state == "refunded") out_.equal_number(row.refunded, row.paid, name);
      const bool whole = std::ranges::all_of(sold, [&](const auto& line) {
        return line.first.first != key || units[line.first] == line.second;
      });
      const bool any =
          std::ranges::any_of(sold, [&](const auto& line) { return line.first.first == key; });
      if (any && whole != (row.state == "refunded"))
        out_.blame("order " + key.first.text() + " went back " + (whole ? "whole" : "in part") +
                   " and is " + row.state);
    }
  }
  /// Both kinds as they lie in the log.
  template <class Take>
  void refunds_in_order(Take take) {
    std::set<std::string> seen;
    log_.for_all(topic::kOrdersEvents, [&](const stream::Record& record) {
      const auto envelope = parse_envelope(record);
      if (!envelope) return;
      const bool part = envelope->type == OrderPartlyRefunded::kType;
      if (!part && envelope->type != OrderRefunded::kType) return;
      if (!seen.insert(std::string(envelope->source) + '#' + std::string(envelope->id)).second)
        return;
      if (part)
        take(decode<OrderPartlyRefunded>(*envelope).value());
      else
        take(decode<OrderRefunded>(*envelope).value());
    });
  }

  /// What payments holds for orders is what the sold ones paid, less what went back.
  void check_money() {
    const auto rows = store::query(
        session_,
        {"held", "payments", "SELECT order_id, member, captured - refunded FROM {payments}"}, {},
        {Type::uuid, Type::uuid, Type::int64});
    if (!rows) return out_.blame("the payments cannot be read: " + rows.error().text());
    for (const auto held : *rows) {
      const auto row = rows_.find({held.id<OrderId>(0), held.id<MemberId>(1)});
      const auto expected = row != rows_.end() && row->second.sold()
                                ? row->second.total - row->second.discount - row->second.refunded
                                : 0;
      out_.equal_number(held.int64(2), expected,
                        "held for order " + held.id<OrderId>(0).text() + ", which is " +
                            (row == rows_.end() ? "unknown" : row->second.state));
    }
  }

  Findings& out_;
  const LogCopy& log_;
  store::Session& session_;
  const CommandKeys& keys_;
  std::map<Place, std::string> bad_;
  const OrderRows& rows_;
  std::map<Key, std::pair<std::string, bool>> stock_;
  std::map<Key, std::vector<Step>> steps_;
};

}  // namespace

bool waits_for_deadlines(store::Session& session) {
  const auto rows = store::query(
      session,
      {"deadlines", "ordering", "SELECT count(*) FROM {orders} WHERE deadline IS NOT NULL"}, {},
      {Type::int64});
  return !rows || rows->front().int64(0) != 0;
}

std::map<Place, std::string> judge_orders(Findings& out, const LogCopy& log,
                                          store::Session& session, const CommandKeys& keys,
                                          const OrderRows& rows) {
  return OrderJudge(out, log, session, keys, rows).pass();
}

}  // namespace dropline::simulation
