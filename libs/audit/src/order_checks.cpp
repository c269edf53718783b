#include "order_checks.hpp"

#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/crypto/hex.hpp"
#include "dropline/ordering/ordering.hpp"
#include "dropline/store/table.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file compares
using store::Type;

/// What all steps have in common, whichever their type.
struct StepHead {
  OrderId order_id;
  std::int64_t version = 0;
  OrderState state = OrderState::received;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("version", self.version, kVersionBounds);
    visit("state", self.state);
  }
};

/// As stock's row keeps them.
struct Lines {
  std::vector<PricedLine> lines;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, Bounds{0, kMaxLines});
  }
};

std::string place_of(const stream::Record& record) {
  return std::string(record.topic) + '/' + std::to_string(record.partition) + '@' +
         std::to_string(record.offset);
}

template <class Fact>
std::string told(const Fact& fact) {
  return "member " + fact.member.text() + ", drop " + (fact.drop ? fact.drop->text() : "-") +
         ", hash " + crypto::hex_encode(fact.body_hash) + ", place " +
         std::to_string(fact.place.partition) + '@' + std::to_string(fact.place.offset) + ", at " +
         std::to_string(unix_us(fact.placed_at));
}
std::string granted(const StockReserved& fact) {
  return "granted, " + told(fact) + ", total " + std::to_string(fact.total.minor) + ' ' +
         std::string(fact.total.currency.text()) + ", " + encode(Lines{fact.lines});
}
std::string refused(const StockRefused& fact) {
  return "refused " + std::string(to_text(fact.reason)) + ", " + told(fact);
}

constexpr store::Statement kDecisions{"audit decisions", "stock", R"(
SELECT order_id, CASE WHEN outcome = 'refused' THEN 'refused ' || COALESCE(reason, '(none)')
    ELSE 'granted' END || ', member ' || CAST(member AS text) || ', drop ' ||
  CASE WHEN CAST(drop_id AS text) = '00000000-0000-0000-0000-000000000000' THEN '-'
    ELSE CAST(drop_id AS text) END || ', hash ' || body_hash || ', place ' ||
  CAST(place_partition AS text) || '@' || CAST(place_offset AS text) || ', at ' ||
  CAST(placed_at AS text) || CASE WHEN outcome = 'refused' THEN '' ELSE ', total ' ||
  CAST(total AS text) || ' ' || currency || ', ' || COALESCE(CAST(lines AS text), '(none)') END,
  outcome, settled
FROM {stock.orders} WHERE order_id {any:ids:uuid})"};

constexpr store::Statement kLives{
    "audit lives", "ordering",
    "SELECT order_id, state, version FROM {orders} WHERE order_id {any:ids:uuid} "
    "AND placed_at IS NOT NULL"};

constexpr store::Statement kKnown{
    "audit known", "ordering",
    "SELECT COUNT(*), COALESCE(MIN(CAST(order_id AS text)), '') FROM {orders} "
    "WHERE placed_at IS NOT NULL"};

}  // namespace

void OrderChecks::announce(Outcomes& out) {
  out.announce("decision_row", "stock's rows say what stock told", Reach::always);
  out.announce("order_steps", "an order's steps are told 1 to n, along the table", Reach::always);
  out.announce("order_told", "ordering's rows are where the last step told left them",
               Reach::always);
  out.announce("order_untold", "every step of an order is told", Reach::at_rest);
}

Status OrderChecks::take(const stream::Record& record, const Envelope& envelope) {
  if (record.topic.ends_with(topic::kOrdersEvents)) {
    if (envelope.type != OrderChangeRefused::kType) step(record, envelope);
    return {};
  }
  decided(record, envelope);
  return decisions_.size() < kChunk ? Status() : compare_decisions();
}

/// Copies stand behind their first; a reservation may be left out where the money is known with it.
void OrderChecks::step(const stream::Record& record, const Envelope& envelope) {
  const auto head = decode<StepHead>(envelope.body);
  if (!head) return out_.add("order_steps", place_of(record), head.error().detail);
  auto& life = lives_[head->order_id];
  if (head->version <= life.version) return;
  auto before = life.state;
  auto version = life.version;
  if (version == 0 && head->version == 2) {
    before = OrderState::reserved;
    version = 1;
  }
  // A partial refund is told without a change of state.
  const bool moves = ordering::may_follow(before, head->state) ||
                     (before == head->state && envelope.type == OrderPartlyRefunded::kType);
  if (head->version != version + 1 || !moves)
    out_.add("order_steps", place_of(record),
             "order " + head->order_id.text() + " goes from version " + std::to_string(version) +
                 ' ' + std::string(to_text(before)) + " to version " +
                 std::to_string(head->version) + ' ' + std::string(to_text(head->state)));
  life = {head->version, head->state};
}

void OrderChecks::decided(const stream::Record& record, const Envelope& envelope) {
  if (envelope.type == StockReserved::kType) {
    if (const auto fact = decode<StockReserved>(envelope))
      decisions_.emplace(fact->order_id, Decision{granted(*fact), place_of(record)});
  } else if (envelope.type == StockRefused::kType) {
    if (const auto fact = decode<StockRefused>(envelope))
      decisions_.emplace(fact->order_id, Decision{refused(*fact), place_of(record)});
  } else if (envelope.type == UnitsSettled::kType) {
    if (const auto fact = decode<UnitsSettled>(envelope))
      for (const auto& order : fact->orders) {
        auto& decision = decisions_[order];
        if (decision.where.empty()) decision.where = place_of(record);
        decision.settled = true;
      }
  } else if (envelope.type == UnitsReleased::kType) {
    if (const auto fact = decode<UnitsReleased>(envelope)) {
      auto& decision = decisions_[fact->order_id];
      if (decision.where.empty()) decision.where = place_of(record);
      decision.released = true;
    }
  }
}

Status OrderChecks::compare_decisions() {
  std::vector<Uuid> ids;
  ids.reserve(decisions_.size());
  for (const auto& [id, decision] : decisions_)
    ids.push_back(id.uuid());
  store::Params params;
  params.add_list("ids", std::span<const Uuid>(ids));
  auto rows = store::query(session_, kDecisions, params,
                           {Type::uuid, Type::text, Type::text, Type::boolean});
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const auto found = decisions_.find(row.id<OrderId>(0));
    if (found == decisions_.end()) continue;
    const auto& decision = found->second;
    const auto where = "stock.orders order=" + row.uuid(0).text();
    if (!decision.text.empty() && decision.text != row.text(1))
      out_.add("decision_row", where,
               std::string(row.text(1)) + "; " + decision.where + " told: " + decision.text);
    if (decision.released && row.text(2) != "released")
      out_.add("decision_row", where,
               "outcome " + std::string(row.text(2)) + "; " + decision.where +
                   " told that its units were released");
    if (decision.settled && !row.boolean(3))
      out_.add("decision_row", where,
               "not settled; " + decision.where + " told that its units were settled");
    decisions_.erase(found);
  }
  for (const auto& [id, decision] : decisions_)
    out_.add("decision_row", "stock.orders order=" + id.text(),
             "there is no row; " + decision.where + " told: " + decision.text);
  decisions_.clear();
  return {};
}

Status OrderChecks::compare_lives(const std::vector<Uuid>& ids) {
  store::Params params;
  params.add_list("ids", std::span<const Uuid>(ids));
  auto rows = store::query(session_, kLives, params, {Type::uuid, Type::text, Type::int64});
  if (!rows) return rows.error();
  std::size_t seen = 0;
  for (const auto row : *rows) {
    const auto& life = lives_.at(row.id<OrderId>(0));
    ++seen;
    const auto where = "ordering.orders order=" + row.uuid(0).text();
    const auto is = std::string(row.text(1)) + " version " + std::to_string(row.int64(2));
    const auto was = std::string(to_text(life.state)) + " version " + std::to_string(life.version);
    if (row.int64(2) > life.version)
      out_.add("order_untold", where, "state " + is + ", orders.events ends with " + was);
    else if (is != was)
      out_.add("order_told", where, "state " + is + ", orders.events ends with " + was);
  }
  if (seen < ids.size())
    out_.add("order_told", "ordering.orders",
             std::to_string(ids.size() - seen) +
                 " orders told of on orders.events have no row, of " + std::to_string(ids.size()) +
                 " from order " + ids.front().text() + " on");
  return {};
}

Status OrderChecks::compare_lives() {
  std::vector<Uuid> ids;
  for (const auto& [id, life] : lives_) {
    ids.push_back(id.uuid());
    if (ids.size() < kChunk) continue;
    if (auto done = compare_lives(ids); !done) return done;
    ids.clear();
  }
  if (!ids.empty())
    if (auto done = compare_lives(ids); !done) return done;
  auto known = store::query(session_, kKnown, {}, {Type::int64, Type::text});
  if (!known) return known.error();
  const auto rows = known->front().int64(0);
  if (rows > static_cast<std::int64_t>(lives_.size()))
    out_.add("order_untold", "ordering.orders",
             std::to_string(rows) + " orders have rows, " + std::to_string(lives_.size()) +
                 " are told of on orders.events");
  return {};
}

Status OrderChecks::finish() {
  if (auto done = compare_decisions(); !done) return done;
  return compare_lives();
}

}  // namespace dropline::audit
