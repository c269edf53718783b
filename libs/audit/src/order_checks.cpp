#include "order_checks.hpp"

#include <algorithm>

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

/// What a step says of the order itself, the same in each of its steps.
struct StepTerms {
  std::vector<OrderLine> lines;
  PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<Sku> sku;
  std::optional<Timestamp> due_at;
  std::optional<Timestamp> until;             ///< of more time
  std::optional<Timestamp> refundable_until;  ///< once it was delivered
  std::optional<std::string> reference;
  TimelineEntry entry;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, Bounds{0, kMaxLines});
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("sku", self.sku);
    visit("due_at", self.due_at);
    visit("until", self.until);
    visit("refundable_until", self.refundable_until);
    visit("reference", self.reference, kReferenceBounds);
    visit("entry", self.entry);
  }
};

/// What the payer was shown, in ordering's row.
struct OpenedMoney {
  std::optional<std::string> reference;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reference", self.reference, kReferenceBounds);
  }
};
struct KeptMoney {
  std::optional<OpenedMoney> opened;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("opened", self.opened);
  }
};

/// As ordering's row keeps the same.
struct FactTerms {
  std::optional<std::vector<OrderLine>> lines;
  std::optional<std::vector<OrderLine>> asked_lines;
  PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<Sku> rejected_sku;
  std::optional<ordering::Cancellation> cancellation;
  std::optional<KeptMoney> money;

  [[nodiscard]] std::string reference() const {
    return money && money->opened ? money->opened->reference.value_or("") : std::string();
  }

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, Bounds{0, kMaxLines});
    visit("asked_lines", self.asked_lines, Bounds{0, kMaxLines});
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("rejected_sku", self.rejected_sku);
    visit("cancellation", self.cancellation);
    visit("money", self.money);
  }
};
struct Timeline {
  std::vector<TimelineEntry> entries;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("entries", self.entries, Bounds{0, ordering::kMaxTimeline});
  }
};

constexpr std::int64_t kPrintedSteps = 64;

std::uint64_t print_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}
std::uint64_t print_of(const TimelineEntry& entry, std::int64_t version) {
  return print_of(encode(entry) + '#' + std::to_string(version));
}
std::uint64_t print_of(const std::vector<OrderLine>& lines, const PaymentChoice& payment,
                       const std::optional<CouponId>& coupon, const std::optional<Sku>& sku) {
  std::string text = encode(payment);
  for (const auto& line : lines)
    text += ' ' + line.sku.text() + '=' + std::to_string(line.quantity);
  return print_of(text + '/' + (coupon ? coupon->text() : "") + '/' + (sku ? sku->text() : ""));
}
/// The name of a record, and when the log took it.
std::uint64_t print_of(std::string_view message, Timestamp at) {
  return print_of(std::string(message) + '@' + std::to_string(unix_us(at)));
}

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
std::string total(const Money& money) {
  return ", total " + std::to_string(money.minor) + ' ' + std::string(money.currency.text());
}
std::string granted(const StockReserved& fact) {
  return "granted, " + told(fact) + total(fact.total) + ", " + encode(Lines{fact.lines});
}
std::string refused(const StockRefused& fact) {
  return "refused " + std::string(to_text(fact.reason)) + ", " + told(fact) +
         (fact.reason == RejectReason::price_changed ? total(fact.total.value_or(Money())) : "");
}

constexpr store::Statement kDecisions{"audit decisions", "stock", R"(
SELECT order_id, CASE WHEN outcome = 'refused' THEN 'refused ' || COALESCE(reason, '(none)')
    ELSE 'granted' END || ', member ' || CAST(member AS text) || ', drop ' ||
  CASE WHEN CAST(drop_id AS text) = '00000000-0000-0000-0000-000000000000' THEN '-'
    ELSE CAST(drop_id AS text) END || ', hash ' || body_hash || ', place ' ||
  CAST(place_partition AS text) || '@' || CAST(place_offset AS text) || ', at ' ||
  CAST(placed_at AS text) || CASE WHEN outcome = 'refused' AND reason <> 'price_changed' THEN ''
    ELSE ', total ' || CAST(total AS text) || ' ' || currency END ||
  CASE WHEN outcome = 'refused' THEN '' ELSE ', ' || COALESCE(CAST(lines AS text), '(none)') END,
  outcome, settled
FROM {stock.orders} WHERE order_id {any:ids:uuid})"};

constexpr store::Statement kLives{
    "audit lives", "ordering",
    "SELECT order_id, state, version, due_at, facts, timeline, refunded FROM {orders} "
    "WHERE order_id {any:ids:uuid} AND placed_at IS NOT NULL"};

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
  out.announce("order_kept", "ordering's rows keep what was told of the order with each step",
               Reach::always);
  out.announce("order_heard", "what ordering's rows name as a cause is in the log", Reach::at_rest);
  out.announce("order_untold", "every step of an order is told", Reach::at_rest);
}

void OrderChecks::heard(const stream::Record& record, const Envelope& envelope) {
  records_.push_back(
      print_of(std::string(envelope.source) + '#' + std::string(envelope.id), record.append_time));
}

Status OrderChecks::take(const stream::Record& record, const Envelope& envelope) {
  if (record.topic.ends_with(topic::kOrdersEvents)) {
    // Neither a refusal nor a reminder is a step.
    if (envelope.type != OrderChangeRefused::kType && envelope.type != OrderPaymentDue::kType)
      step(record, envelope);
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
  // A partial refund and more time are told without a change of state.
  const bool stays =
      envelope.type == OrderPartlyRefunded::kType || envelope.type == OrderDeadlineExtended::kType;
  const bool moves = ordering::may_follow(before, head->state) || (before == head->state && stays);
  if (head->version != version + 1 || !moves)
    out_.add("order_steps", place_of(record),
             "order " + head->order_id.text() + " goes from version " + std::to_string(version) +
                 ' ' + std::string(to_text(before)) + " to version " +
                 std::to_string(head->version) + ' ' + std::string(to_text(head->state)));
  life.version = head->version;
  life.state = head->state;
  remember(envelope, life);
}

void OrderChecks::remember(const Envelope& envelope, Life& life) {
  const auto terms = decode<StepTerms>(envelope.body);
  if (!terms) return;
  life.after.take(envelope);
  life.terms = print_of(terms->lines, terms->payment, terms->coupon, terms->sku);
  const auto due = terms->due_at  ? terms->due_at
                   : terms->until ? terms->until
                                  : terms->refundable_until;
  // A refund of a part changes nothing of it, and tells nothing.
  if (due || envelope.type != OrderPartlyRefunded::kType) life.due_at = due ? unix_us(*due) : 0;
  if (terms->reference) life.reference = print_of(*terms->reference);
  if (life.version > kPrintedSteps) return;
  life.told |= std::uint64_t{1} << (life.version - 1);
  life.entries += print_of(terms->entry, life.version);
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

/// A row, its facts and its timeline beside what was told of the order.
void OrderChecks::compare_life(const store::Rows::Row& row) {
  const auto& life = lives_.at(row.id<OrderId>(0));
  const auto where = "ordering.orders order=" + row.uuid(0).text();
  const auto version = row.int64(2);
  const auto is = std::string(row.text(1)) + " version " + std::to_string(version);
  const auto was = std::string(to_text(life.state)) + " version " + std::to_string(life.version);
  if (version > life.version)
    out_.add("order_untold", where, "state " + is + ", orders.events ends with " + was);
  else if (is != was)
    out_.add("order_told", where, "state " + is + ", orders.events ends with " + was);
  const auto facts = decode<FactTerms>(row.text(4));
  const auto timeline = decode<Timeline>(row.text(5));
  if (!facts || !timeline)
    return out_.add("order_kept", where, (facts ? timeline.error() : facts.error()).detail);
  if (print_of(facts->lines.value_or(facts->asked_lines.value_or(std::vector<OrderLine>())),
               facts->payment, facts->coupon, facts->rejected_sku) != life.terms)
    out_.add("order_kept", where,
             "lines, payment, coupon or rejected SKU are not those that were told");
  if (life.reference != 0 && print_of(facts->reference()) != life.reference)
    out_.add("order_kept", where, "its money's reference is not the one that the payer was told");
  if (version == life.version && (row.is_null(3) ? 0 : row.int64(3)) != life.due_at)
    out_.add("order_kept", where, "due_at is not what was told with its last step");
  compare_records(where, row.text(4));
  if (version == life.version)
    compare(life.after, row.text(4), row.int64(6), life.state, timeline->entries,
            [&](std::string what) { out_.add("order_kept", where, std::move(what)); });
  // A timeline that was cut lacks steps behind its first, so its places are not versions.
  if (timeline->entries.empty() || version != static_cast<std::int64_t>(timeline->entries.size()))
    return;
  std::uint64_t entries = 0;
  for (std::int64_t step = 1; step <= std::min(version, kPrintedSteps); ++step)
    if ((life.told >> (step - 1) & 1U) != 0)
      entries += print_of(timeline->entries[static_cast<std::size_t>(step - 1)], step);
  if (version >= life.version && entries != life.entries)
    out_.add("order_kept", where, "its timeline is not what was told step by step");
  // A reservation that was not told on its own names what stock said.
  const auto& first = timeline->entries.front();
  if ((life.told & 1U) == 0 &&
      !std::ranges::binary_search(records_, print_of(first.message, first.at)))
    out_.add(
        "order_heard", where,
        "began with " + first.message + " at " + rfc3339(first.at) + ", which is not in the log");
  const auto& last = timeline->entries.back();
  if (facts->cancellation && last.state == OrderState::cancelled &&
      (facts->cancellation->actor != last.actor || facts->cancellation->reason != last.reason))
    out_.add("order_kept", where, "its cancellation is not the one that its last step tells of");
}

/// Every `{"message":…,"at":…}` of the facts, wherever it stands in them. A refund names its
/// command, and once the money is back the time of that.
void OrderChecks::compare_records(const std::string& where, std::string_view facts) {
  constexpr std::string_view kName = "{\"message\":";
  for (auto at = facts.find(kName); at != facts.npos; at = facts.find(kName, at + 1)) {
    const auto begin = at;
    const auto end = facts.find('}', begin);
    if (end == facts.npos) return;
    const auto record = decode<ordering::Record>(facts.substr(begin, end + 1 - begin));
    if (!record)
      out_.add("order_kept", where, record.error().detail);
    else if (!std::ranges::binary_search(records_, print_of(record->message, record->at)))
      out_.add(
          "order_heard", where,
          "names " + record->message + " at " + rfc3339(record->at) + ", which is not in the log");
  }
}

Status OrderChecks::compare_lives(const std::vector<Uuid>& ids) {
  store::Params params;
  params.add_list("ids", std::span<const Uuid>(ids));
  auto rows = store::query(
      session_, kLives, params,
      {Type::uuid, Type::text, Type::int64, Type::int64, Type::text, Type::text, Type::int64});
  if (!rows) return rows.error();
  for (const auto row : *rows)
    compare_life(row);
  if (const auto seen = rows->size(); seen < ids.size())
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
  std::ranges::sort(records_);
  return compare_lives();
}

}  // namespace dropline::audit
