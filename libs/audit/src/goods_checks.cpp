#include "goods_checks.hpp"

#include <vector>

#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/store/table.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file compares
using store::Type;

constexpr std::size_t kChunk = 2'000;
constexpr std::string_view kNone = "(none)";

constexpr store::Statement kRows{
    "audit deliveries", "deliveries",
    "SELECT order_id, member, paid_version, COALESCE(closed_version, -1), "
    "COALESCE(cause, '(none)'), COALESCE(carrier || ' ' || waybill, ''), "
    "COALESCE(shipped_by || ', ' || COALESCE(CAST(shipped_change AS text), '(none)') || ', ' || "
    "CAST(shipped_at AS text), '(none)'), "
    "COALESCE(delivered_by || ', ' || COALESCE(CAST(delivered_change AS text), '(none)') || ', ' "
    "|| CAST(delivered_at AS text), '(none)'), opened_at, at "
    "FROM {deliveries} WHERE order_id {any:ids:uuid}"};

constexpr store::Statement kCount{"audit deliveries", "deliveries",
                                  "SELECT COUNT(*) FROM {deliveries}"};

template <class Fact>
std::string said(const Fact& fact) {
  return std::string(to_text(fact.actor.kind)) + ':' + fact.actor.id + ", " +
         (fact.change ? fact.change->text() : std::string(kNone)) + ", " +
         std::to_string(unix_us(fact.at));
}

}  // namespace

void GoodsChecks::announce(Outcomes& out) {
  out.announce("deliveries_told", "deliveries' rows say what was told of them", Reach::at_rest);
}

/// Said again it names another command: the first is the one that did it.
void GoodsChecks::tell(Told& told, const DeliveryShipped& fact) {
  if (told.shipped) return;
  told.shipped = said(fact);
  told.waybill = fact.carrier + ' ' + fact.waybill;
}
void GoodsChecks::tell(Told& told, const DeliveryDelivered& fact) {
  if (!told.delivered) told.delivered = said(fact);
}

void GoodsChecks::take(const stream::Record& record, const Envelope& envelope) {
  const auto look = [&]<class T>(T*) {
    if (envelope.type != T::kType) return;
    const auto message = decode<T>(envelope);
    if (!message) return;
    auto& told = told_[{message->order_id, message->member}];
    if constexpr (std::same_as<T, OrderPaid>) {
      told.paid.insert(message->version);
      told.times.insert(unix_us(record.append_time));
    } else if constexpr (std::same_as<T, CloseDelivery>) {
      // A forged one closes nothing, and its row is not looked for.
      told.closed.insert(message->order_version);
      told.times.insert(unix_us(record.append_time));
      return;
    } else {
      told.times.insert(unix_us(message->at));
      if constexpr (std::same_as<T, DeliveryWaybillCorrected>)
        told.waybill = message->carrier + ' ' + message->waybill;
      if constexpr (std::same_as<T, DeliveryClosed>) told.cause = to_text(message->cause);
      if constexpr (requires { tell(told, *message); }) tell(told, *message);
    }
    told.row = true;
  };
  look(static_cast<OrderPaid*>(nullptr));
  look(static_cast<CloseDelivery*>(nullptr));
  look(static_cast<DeliveryPreparing*>(nullptr));
  look(static_cast<DeliveryShipped*>(nullptr));
  look(static_cast<DeliveryWaybillCorrected*>(nullptr));
  look(static_cast<DeliveryDelivered*>(nullptr));
  look(static_cast<DeliveryClosed*>(nullptr));
}

void GoodsChecks::compare(const store::Rows::Row& row, const Told& told) {
  const auto where = "deliveries.deliveries order=" + row.uuid(0).text();
  const auto blame = [&](const std::string& what, const std::string& is, const std::string& was) {
    if (is != was) out_.add("deliveries_told", where, what + " is " + is + ", told was " + was);
  };
  blame("the step that paid it", std::to_string(row.int64(2)),
        std::to_string(told.paid.empty() ? 0 : *told.paid.rbegin()));
  const bool closed = row.int64(3) >= 0;
  if (closed && !told.closed.contains(row.int64(3)))
    blame("the step that closed it", std::to_string(row.int64(3)), "none such");
  if (closed) blame("the cause", std::string(row.text(4)), told.cause.value_or(std::string(kNone)));
  blame("the waybill", std::string(row.text(5)), told.waybill);
  blame("who shipped it", std::string(row.text(6)), told.shipped.value_or(std::string(kNone)));
  blame("who delivered it", std::string(row.text(7)), told.delivered.value_or(std::string(kNone)));
  for (const std::size_t time : {8U, 9U})
    if (!told.times.contains(row.int64(time)))
      blame(time == 8 ? "when it was opened" : "when it last changed",
            std::to_string(row.int64(time)), "no such time");
}

Status GoodsChecks::compare(const std::map<Key, Told>& all) {
  std::vector<Uuid> ids;
  ids.reserve(all.size());
  for (const auto& [key, told] : all)
    ids.push_back(key.first.uuid());
  store::Params params;
  params.add_list("ids", std::span<const Uuid>(ids));
  auto rows = store::query(session_, kRows, params,
                           {Type::uuid, Type::uuid, Type::int64, Type::int64, Type::text,
                            Type::text, Type::text, Type::text, Type::int64, Type::int64});
  if (!rows) return rows.error();
  std::set<Key> seen;
  for (const auto row : *rows) {
    const Key key{row.id<OrderId>(0), row.id<MemberId>(1)};
    seen.insert(key);
    if (const auto told = all.find(key); told != all.end()) compare(row, told->second);
  }
  for (const auto& [key, told] : all)
    if (told.row && !seen.contains(key))
      out_.add("deliveries_told", "deliveries.deliveries order=" + key.first.text(),
               "there is no row of member " + key.second.text() + ", and it was told of");
  return {};
}

Status GoodsChecks::finish() {
  std::int64_t rows_told = 0;
  for (auto at = told_.begin(); at != told_.end();) {
    std::map<Key, Told> chunk;
    for (; at != told_.end() && chunk.size() < kChunk; ++at) {
      rows_told += at->second.row ? 1 : 0;
      chunk.insert(*at);
    }
    if (auto done = compare(chunk); !done) return done;
  }
  auto count = store::query(session_, kCount, {}, {Type::int64});
  if (!count) return count.error();
  if (count->front().int64(0) != rows_told)
    out_.add("deliveries_told", "deliveries.deliveries",
             std::to_string(count->front().int64(0)) + " rows, " + std::to_string(rows_told) +
                 " are told of");
  return {};
}

}  // namespace dropline::audit
