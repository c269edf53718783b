#include "order_verdict.hpp"

#include <algorithm>
#include <set>

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
using Key = std::pair<OrderId, MemberId>;

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
      {"paid", "cancelled"}};
  return kSteps.contains({from, to});
}

struct OrderRow {
  std::string state;
  std::int64_t version = 0;
  bool known = false;
  std::int64_t total = 0;
  std::int64_t paid = 0;
  std::int64_t refunded = 0;
  bool deadline = false;
};

/// A step made public.
struct Step {
  std::int64_t version = 0;
  std::string state;
};

class OrderJudge final {
 public:
  OrderJudge(Findings& out, const LogCopy& log, store::Session& session, const CommandKeys& keys)
      : out_(out), log_(log), session_(session), keys_(keys) {}

  std::map<Place, std::string> pass(std::size_t& paid) {
    find_bad<CancelOrder, RefundOrder>(bad_, log_, topic::kOrderingCommands, true, keys_);
    find_bad<StockReserved, StockRefused>(bad_, log_, topic::kStockEvents, false, keys_);
    find_bad<PaymentOpened, PaymentCaptured, PaymentDeclined, PaymentClosed>(
        bad_, log_, topic::kPaymentsEvents, false, keys_);
    load();
    check_rows();
    check_steps();
    check_ends();
    check_release_order();
    check_commands();
    check_money();
    paid = static_cast<std::size_t>(
        std::ranges::count_if(rows_, [](const auto& row) { return row.second.state == "paid"; }));
    return std::move(bad_);
  }

 private:
  void load() {
    const auto rows = store::query(
        session_,
        {"orders", "ordering",
         "SELECT order_id, member, state, version, placed_at IS NOT NULL, total, paid, refunded, "
         "deadline IS NOT NULL FROM {orders}"},
        {},
        {Type::uuid, Type::uuid, Type::text, Type::int64, Type::int64, Type::int64, Type::int64,
         Type::int64, Type::int64});
    if (!rows) return out_.blame("orders cannot be read: " + rows.error().text());
    for (const auto row : *rows)
      rows_[{row.id<OrderId>(0), row.id<MemberId>(1)}] = {std::string(row.text(2)),
                                                          row.int64(3),
                                                          row.int64(4) != 0,
                                                          row.int64(5),
                                                          row.int64(6),
                                                          row.int64(7),
                                                          row.int64(8) != 0};
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

  /// Paid: its units are settled. Ended: they are back. Nothing in between.
  void check_ends() {
    static const std::set<std::string> kEnded{"payment_failed", "expired", "cancelled"};
    for (const auto& [key, row] : rows_) {
      const auto stock = stock_.find(key);
      if (!row.known || stock == stock_.end()) continue;
      const auto& [outcome, settled] = stock->second;
      const auto name = "order " + key.first.text() + " is " + row.state;
      if (row.state == "paid") {
        if (outcome != "reserved" || !settled)
          out_.blame(name + ", its units are " + outcome + (settled ? "" : ", not settled"));
      } else if (kEnded.contains(row.state)) {
        if (outcome != "released") out_.blame(name + ", its units are " + outcome);
      } else if (row.state != "rejected") {
        out_.blame(name + ", and nothing is left to happen");
      }
    }
  }

  /// Nothing is released before money is closed.
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
    log_.each(topic::kStockEvents, UnitsReleased::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                const auto told = decode<UnitsReleased>(envelope);
                if (told && !closed.contains({told->order_id, told->member}))
                  out_.blame("units of order " + told->order_id.text() +
                             " went back before its money was closed");
              });
  }

  /// Every cancellation and refund was answered: done, or refused with a reason.
  void check_commands() {
    std::map<Uuid, int> refused;
    log_.each(topic::kOrdersEvents, OrderChangeRefused::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                const auto told = decode<OrderChangeRefused>(envelope);
                if (!told) return;
                if (told->change) ++refused[told->change->uuid()];
                if (told->refund) ++refused[told->refund->uuid()];
              });
    log_.for_all(topic::kOrderingCommands, [&](const stream::Record& record) {
      if (bad_.contains({std::string(topic::kOrderingCommands), record.partition, record.offset}))
        return;
      const auto envelope = parse_envelope(record);
      if (!envelope) return;
      if (envelope->type == CancelOrder::kType) {
        const auto cancel = decode<CancelOrder>(*envelope);
        const auto row = rows_.find({cancel->order_id, cancel->member});
        const bool done = row != rows_.end() && row->second.state == "cancelled";
        if (!done && refused[cancel->change.uuid()] == 0)
          out_.blame("the cancellation of order " + cancel->order_id.text() +
                     " was neither made nor refused; it is " +
                     (row == rows_.end() ? "unknown" : row->second.state));
      } else if (envelope->type == RefundOrder::kType) {
        const auto refund = decode<RefundOrder>(*envelope);
        if (refused[refund->refund.uuid()] == 0)
          out_.blame("a refund of an order that was never delivered was not refused");
      }
    });
  }

  /// What payments holds for orders is what the paid ones cost.
  void check_money() {
    const auto rows = store::query(
        session_,
        {"held", "payments", "SELECT order_id, member, captured - refunded FROM {payments}"}, {},
        {Type::uuid, Type::uuid, Type::int64});
    if (!rows) return out_.blame("the payments cannot be read: " + rows.error().text());
    for (const auto held : *rows) {
      const auto row = rows_.find({held.id<OrderId>(0), held.id<MemberId>(1)});
      const auto expected =
          row != rows_.end() && row->second.state == "paid" ? row->second.total : 0;
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
  std::map<Key, OrderRow> rows_;
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
                                          std::size_t& paid) {
  return OrderJudge(out, log, session, keys).pass(paid);
}

}  // namespace dropline::simulation
