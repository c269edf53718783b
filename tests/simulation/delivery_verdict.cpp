#include "delivery_verdict.hpp"

#include <algorithm>
#include <set>

#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/store/table.hpp"
#include "loop_verdict.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

using store::Type;

struct DeliveryRow {
  std::string state;
  std::string recipient;
  std::string carrier;
  std::string waybill;
};

/// What was said of a delivery; of what is said again the first copy is one.
struct Words {
  int preparing = 0;
  int closed = 0;
  std::set<std::string> shipped;  ///< when: said again it is the same shipment
  std::set<std::string> delivered;
  std::string waybill;  ///< as told last
};

class DeliveryJudge final {
 public:
  DeliveryJudge(Findings& out, const LogCopy& log, store::Session& session, const OrderRows& orders,
                const std::map<Place, std::string>& bad)
      : out_(out), log_(log), session_(session), orders_(orders), bad_(bad) {
    load();
    listen();
  }

  void pass() {
    for (const auto& [key, order] : orders_)
      check_order(key, order);
    for (const auto& [key, row] : rows_) {
      if (!orders_.contains(key))
        out_.blame("there is a delivery of order " + key.first.text() + ", which nobody knows");
      check_words(key, row);
    }
    check_commands<ShipDelivery>();
    check_commands<CorrectWaybill>();
    check_commands<DeliverDelivery>();
    check_closes();
    check_goods_before_money();
  }

 private:
  void load() {
    const auto rows = store::query(
        session_,
        {"deliveries", "deliveries",
         "SELECT order_id, member, state, recipient, carrier, waybill FROM {deliveries}"},
        {}, {Type::uuid, Type::uuid, Type::text, Type::text, Type::text, Type::text});
    if (!rows) return out_.blame("the deliveries cannot be read: " + rows.error().text());
    const auto text = [](const auto& row, std::size_t column) {
      return row.is_null(column) ? std::string() : std::string(row.text(column));
    };
    for (const auto row : *rows)
      rows_[{row.id<OrderId>(0), row.id<MemberId>(1)}] = {std::string(row.text(2)), text(row, 3),
                                                          text(row, 4), text(row, 5)};
  }

  template <class T, class Take>
  void each(Take take) {
    log_.each(T::kTopic, T::kType, [&](const stream::Record& record, const Envelope& envelope) {
      if (const auto told = decode<T>(envelope)) take(*told, record);
    });
  }
  void listen() {
    const auto of = [this](const auto& told) -> Words& {
      return words_[{told.order_id, told.member}];
    };
    each<OrderPaid>([&](const OrderPaid& told, const stream::Record&) {
      paid_[{told.order_id, told.member}] = told.delivery ? told.delivery->sealed : "";
    });
    each<DeliveryPreparing>([&](const auto& told, const auto&) { ++of(told).preparing; });
    each<DeliveryClosed>([&](const auto& told, const auto&) {
      ++of(told).closed;
      answered_.insert({told.order_id, told.member});
    });
    each<DeliveryShipped>([&](const DeliveryShipped& told, const auto&) {
      auto& words = of(told);
      words.shipped.insert(std::to_string(unix_us(told.at)));
      if (words.waybill.empty()) words.waybill = told.carrier + ' ' + told.waybill;
      answered_.insert({told.order_id, told.member});
      if (told.change) ++answers_[*told.change];
    });
    each<DeliveryWaybillCorrected>([&](const DeliveryWaybillCorrected& told, const auto&) {
      of(told).waybill = told.carrier + ' ' + told.waybill;
      if (told.change) ++answers_[*told.change];
    });
    each<DeliveryDelivered>([&](const DeliveryDelivered& told, const auto&) {
      of(told).delivered.insert(std::to_string(unix_us(told.at)));
      answered_.insert({told.order_id, told.member});
      if (told.change) ++answers_[*told.change];
    });
    each<DeliveryChangeRefused>(
        [&](const DeliveryChangeRefused& told, const auto&) { ++answers_[told.change]; });
  }

  /// Goods are where their order says.
  void check_order(const OrderOf& key, const OrderRow& order) {
    const auto found = rows_.find(key);
    const auto is = found == rows_.end() ? std::string("none") : found->second.state;
    const auto name = "order " + key.first.text() + " is " + order.state + ", its delivery " + is;
    const auto& state = order.state;
    bool fits = false;
    if (state == "preparing" || state == "shipped")
      fits = is == state;
    else if (state == "delivered" || state == "completed" || state == "refunded")
      fits = is == "delivered";
    else if (state == "cancelled")
      fits = is == "closed";
    else
      fits = is == "none" || is == "closed";
    if (!fits) out_.blame(name);
    if (found == rows_.end()) return;
    const auto paid = paid_.find(key);
    const bool keeps = paid != paid_.end() && is != "closed";
    out_.equal(found->second.recipient, keeps ? paid->second : "", name + ", its recipient");
  }

  /// Each step was told, once, and what is kept is what was told last.
  void check_words(const OrderOf& key, const DeliveryRow& row) {
    const auto& words = words_[key];
    const auto name = "the delivery of order " + key.first.text() + ", " + row.state;
    const bool sent = row.state == "shipped" || row.state == "delivered";
    out_.equal_number(static_cast<std::int64_t>(words.shipped.size()), sent ? 1 : 0,
                      name + ", shipments told");
    out_.equal_number(static_cast<std::int64_t>(words.delivered.size()),
                      row.state == "delivered" ? 1 : 0, name + ", arrivals told");
    if (sent) out_.equal(row.carrier + ' ' + row.waybill, words.waybill, name + ", its waybill");
    if (row.state == "closed" && words.closed == 0) out_.blame(name + " was never told");
    if (row.state != "closed" && words.closed != 0) out_.blame(name + " was told as closed");
    if (row.state != "closed") out_.equal_number(words.preparing, 1, name + ", preparations told");
  }

  template <class T>
  void check_commands() {
    log_.each_good<T>(bad_, [this](const T& command) {
      if (answers_[command.change] == 0)
        out_.blame("a " + std::string(T::kType) + " of order " + command.order_id.text() +
                   " was never answered");
    });
  }
  void check_closes() {
    log_.each_good<CloseDelivery>(bad_, [this](const CloseDelivery& command) {
      if (!answered_.contains({command.order_id, command.member}))
        out_.blame("that goods of order " + command.order_id.text() +
                   " be kept here was asked for and never answered");
    });
  }

  /// No money goes back for goods on their way: where payments was asked to close for any cause but
  /// the order's time, goods were kept here.
  void check_goods_before_money() {
    log_.each_good<ClosePayment>(bad_, [this](const ClosePayment& command) {
      if (command.cause == EndCause::expired) return;
      const auto row = rows_.find({command.order_id, command.member});
      if (row == rows_.end() || row->second.state != "closed")
        out_.blame("money of order " + command.order_id.text() +
                   " was asked back before its goods were kept here");
    });
  }

  Findings& out_;
  const LogCopy& log_;
  store::Session& session_;
  const OrderRows& orders_;
  const std::map<Place, std::string>& bad_;
  std::map<OrderOf, DeliveryRow> rows_;
  std::map<OrderOf, Words> words_;
  std::map<OrderOf, std::string> paid_;  ///< with the sealed recipient
  std::set<OrderOf> answered_;           ///< whether goods are kept here
  std::map<ChangeId, int> answers_;
};

}  // namespace

std::map<Place, std::string> judge_deliveries(Findings& out, const LogCopy& log,
                                              store::Session& session, const CommandKeys& keys,
                                              const OrderRows& orders) {
  std::map<Place, std::string> bad;
  find_bad<CloseDelivery, ShipDelivery, CorrectWaybill, DeliverDelivery>(
      bad, log, topic::kDeliveriesCommands, true, keys);
  find_bad<OrderPaid>(bad, log, topic::kOrdersEvents, false, keys);
  DeliveryJudge(out, log, session, orders, bad).pass();
  return bad;
}

}  // namespace dropline::simulation
