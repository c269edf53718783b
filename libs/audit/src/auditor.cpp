#include "dropline/audit/auditor.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "dropline/store/table.hpp"
#include "dropline/stream/partitioner.hpp"
#include "letter_checks.hpp"
#include "money_checks.hpp"
#include "order_checks.hpp"
#include "readers.hpp"
#include "speech_checks.hpp"
#include "state_checks.hpp"
#include "table_check.hpp"
#include "topic_reader.hpp"

namespace dropline::audit {
namespace {

using store::Type;

/// The longest way of an order: from catalog's command to units that come back.
constexpr int kHops = 10;
constexpr std::chrono::milliseconds kNap{25};
constexpr std::chrono::seconds kExtentsLimit{10};

std::vector<TableCheck> all_table_checks() {
  std::vector<TableCheck> all;
  for (const auto checks :
       {stock_checks(), payments_checks(), ordering_checks(), catalog_checks(), joint_checks()})
    all.insert(all.end(), checks.begin(), checks.end());
  return all;
}

Outcome run(store::Session& session, const TableCheck& check) {
  Outcome outcome{std::string(check.code), std::string(check.about), check.reach, 0, {}, false};
  const auto sql =
      "SELECT w, t, COUNT(*) OVER () FROM (" + check.sql + ") AS found ORDER BY w, t LIMIT :most";
  store::Params params;
  params.add("most", kMaxFindings);
  const auto rows = store::query(session, {check.code, "stock", sql}, params,
                                 {Type::text, Type::text, Type::int64});
  if (!rows) {
    outcome.reach = Reach::always;
    outcome.found = 1;
    outcome.findings.push_back({"unreadable", outcome.code, rows.error().text()});
    return outcome;
  }
  for (const auto row : *rows) {
    outcome.found = row.int64(2);
    outcome.findings.push_back(
        {outcome.code, std::string(row.text(0)),
         row.is_null(1) ? std::string("a value is missing") : std::string(row.text(1))});
  }
  return outcome;
}

/// The loop's tables, and rows whose owner follows from their key.
class LoopChecks final {
 public:
  LoopChecks(Outcomes& out, store::Session& session, std::int32_t partitions)
      : out_(out), session_(session), partitions_(partitions) {}
  static void announce(Outcomes& out) {
    out.announce("worker_shard", "every shard's row is one that an owner wrote", Reach::always);
    out.announce("worker_held", "nothing waits for an operator", Reach::always);
    out.announce("worker_outbox", "what was committed reaches the log", Reach::at_rest);
    out.announce("row_owner", "rows lie in the shard of their member, product or drop",
                 Reach::always);
  }
  Status finish(const SpeechChecks* speech, const LetterChecks* letters) {
    auto shards = read_shards(session_);
    auto backlog = read_backlog(session_);
    if (!shards) return shards.error();
    if (!backlog) return backlog.error();
    for (const auto& [key, row] : *shards)
      check_shard(key, row, *backlog, speech, letters);
    for (const auto& [key, oldest] : backlog->oldest)
      out_.add("worker_outbox", key.first + ".outbox shard=" + std::to_string(key.second),
               "batches " + std::to_string(oldest) + " to " +
                   std::to_string(backlog->newest.at(key)) + " wait to be published");
    for (const auto& service : services())
      if (auto done = check_held(service.name); !done) return done;
    return check_owners();
  }

 private:
  using Key = std::pair<std::string, std::int32_t>;
  void check_shard(const Key& key, const worker::ShardRow& row, const Backlog& backlog,
                   const SpeechChecks* speech, const LetterChecks* letters) {
    const auto where = key.first + ".shards shard=" + std::to_string(key.second);
    if (key.second < 0 || key.second >= partitions_ || row.epoch < 1 || row.seq < 0)
      out_.add("worker_shard", where,
               "epoch " + std::to_string(row.epoch) + ", seq " + std::to_string(row.seq) +
                   ": no owner writes these");
    const auto waiting = backlog.newest.find(key);
    auto last = waiting == backlog.newest.end() ? std::int64_t{0} : waiting->second;
    if (!speech) return;
    if (const auto heard = speech->heard().find(key); heard != speech->heard().end())
      last = std::max(last, heard->second);
    if (row.seq < last)
      out_.add("worker_shard", where,
               "seq " + std::to_string(row.seq) + ", but batch " + std::to_string(last) +
                   " of it is in the log or waits for it");
    else if (row.seq > last + letters->letters(key.first, key.second))
      out_.add("worker_outbox", where,
               "seq " + std::to_string(row.seq) + ", but the log ends with its batch " +
                   std::to_string(last));
  }
  Status check_held(const std::string& service) {
    auto rows = store::query(session_,
                             {"audit held", service,
                              "SELECT shard, order_id, reason, action FROM {held} "
                              "WHERE reason <> '' OR action NOT IN ('', 'redrive', 'drop') "
                              "ORDER BY shard, order_id, place LIMIT 1000"},
                             {}, {Type::int64, Type::text, Type::text, Type::text});
    if (!rows) return rows.error();
    for (const auto row : *rows)
      out_.add("worker_held",
               service + ".held shard=" + std::to_string(row.int64(0)) +
                   " order=" + std::string(row.text(1)),
               "set aside for '" + std::string(row.text(2)) + "', action '" +
                   std::string(row.text(3)) + "'");
    return {};
  }
  Status check_owners();
  Status check_owners(std::string_view table, std::string_view key);

  Outcomes& out_;
  store::Session& session_;
  std::int32_t partitions_;
};

/// Pages, in key order: no database knows murmur2.
Status LoopChecks::check_owners(std::string_view table, std::string_view key) {
  constexpr std::int64_t kPage = 20'000;
  const std::string name(table);
  const std::string column(key);
  const auto sql = "SELECT " + column + ", MIN(shard), MAX(shard) FROM {" + name + "} WHERE " +
                   column + " > :after GROUP BY " + column + " ORDER BY " + column + " LIMIT :page";
  for (Uuid after;;) {
    store::Params params;
    params.add("after", after).add("page", kPage);
    auto rows = store::query(session_, {"audit owners", "stock", sql}, params,
                             {Type::uuid, Type::int64, Type::int64});
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    for (const auto row : *rows) {
      after = row.uuid(0);
      const auto owner = stream::partition_of(after.text(), partitions_);
      if (row.int64(1) != owner || row.int64(2) != owner)
        out_.add("row_owner", name + ' ' + column + '=' + after.text(),
                 "shard " + std::to_string(row.int64(row.int64(1) == owner ? 2 : 1)) +
                     ", its key belongs to " + std::to_string(owner));
    }
  }
}

Status LoopChecks::check_owners() {
  const std::pair<std::string_view, std::string_view> owned[] = {
      {"ordering.orders", "member"},      {"payments.wallets", "member"},
      {"payments.entries", "member"},     {"stock.drops", "drop_id"},
      {"catalog.products", "product_id"}, {"catalog.drops", "drop_id"}};
  for (const auto& [table, key] : owned)
    if (auto done = check_owners(table, key); !done) return done;
  return {};
}

bool heard_by_ordering(std::string_view topic) {
  for (const auto& service : services())
    if (service.name == "ordering")
      return std::ranges::find(service.topics, topic, &worker::TopicUse::name) !=
             service.topics.end();
  return false;
}

/// Everything that is found by reading the topics once, and what hangs together with it.
class LogAudit final {
 public:
  LogAudit(store::Session& session, stream::Stream& stream, const Clock& clock,
           const Options& options)
      : session_(session), stream_(stream), clock_(clock), options_(options) {
    for (std::int32_t p = 0; p < options.partitions; ++p)
      partitions_.push_back(p);
  }

  Result<std::vector<Outcome>> pass() {
    LoopChecks::announce(out_);
    LoopChecks loop(out_, session_, options_.partitions);
    if (!options_.read_log) {
      if (auto done = loop.finish(nullptr, nullptr); !done) return done.error();
      return finished();
    }
    SpeechChecks::announce(out_);
    StateChecks::announce(out_);
    OrderChecks::announce(out_);
    MoneyChecks::announce(out_);
    LetterChecks::announce(out_);
    // Positions first: what is before them must be in the log that is read after.
    auto shards = read_shards(session_);
    if (!shards) return shards.error();
    SpeechChecks speech(out_, *shards, options_.partitions, options_.keys);
    LetterChecks letters(out_);
    StateChecks states(out_);
    OrderChecks orders(out_, session_);
    MoneyChecks money(out_, session_);
    for (const auto& topic : contracts::all_topics())
      if (auto done = read(topic, speech, letters, states, orders, money); !done)
        return done.error();
    for (const auto& topic : contracts::all_topics())
      if (auto done = read_dead(topic, letters); !done) return done.error();
    letters.finish(*shards);
    if (auto done = orders.finish(); !done) return done.error();
    if (auto done = money.finish(); !done) return done.error();
    if (auto done = states.finish(session_); !done) return done.error();
    if (auto done = loop.finish(&speech, &letters); !done) return done.error();
    return finished();
  }
  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  std::vector<Outcome> finished() {
    auto outcomes = out_.take();
    for (auto& outcome : outcomes)
      std::ranges::sort(outcome.findings);
    return outcomes;
  }

  Status read(const contracts::Topic& topic, SpeechChecks& speech, LetterChecks& letters,
              StateChecks& states, OrderChecks& orders, MoneyChecks& money) {
    const bool of_orders = topic.name == contracts::topic::kStockEvents ||
                           topic.name == contracts::topic::kOrdersEvents;
    const bool of_facts = heard_by_ordering(topic.name);
    const bool of_money = topic.name == contracts::topic::kPaymentsEvents;
    const bool of_states = topic.name == contracts::topic::kStockLevels ||
                           topic.name == contracts::topic::kCatalogProducts ||
                           topic.name == contracts::topic::kCatalogEvents ||
                           topic.name == contracts::topic::kStockEvents;
    Status failed;
    speech.begin(topic);
    auto extents = read_topic(stream_, clock_,
                              {contracts::topic_name(options_.topic_prefix, topic.name),
                               partitions_, topic.cleanup == stream::Cleanup::compact},
                              [&](const stream::Record& record) {
                                ++records_;
                                speech.look(record);
                                const auto envelope = contracts::parse_envelope(record);
                                if (!envelope) return letters.unreadable(record, topic.name);
                                speech.take(record, *envelope);
                                if (of_states) states.take(record, *envelope);
                                if (of_facts) orders.heard(record, *envelope);
                                if (!failed) return;
                                if (of_orders) failed = orders.take(record, *envelope);
                                if (of_money) failed = money.take(record, *envelope);
                              });
    if (!extents) return extents.error();
    speech.end(*extents);
    letters.topic_end(topic.name, *extents);
    return failed;
  }

  Status read_dead(const contracts::Topic& topic, LetterChecks& letters) {
    auto extents =
        read_topic(stream_, clock_,
                   {contracts::dead_topic_name(options_.topic_prefix, topic.name), partitions_},
                   [&](const stream::Record& record) {
                     ++records_;
                     letters.take(record, topic.name);
                   });
    if (!extents) return extents.error();
    return {};
  }

  store::Session& session_;
  stream::Stream& stream_;
  const Clock& clock_;
  const Options& options_;
  std::vector<std::int32_t> partitions_;
  Outcomes out_;
  std::uint64_t records_ = 0;
};

/// Waits until all services have read, several hops deep, up to where the log ends now.
class Barrier final {
 public:
  Barrier(store::Session& session, stream::Stream& stream, const Clock& clock,
          const Options& options)
      : session_(session), stream_(stream), clock_(clock), options_(options) {}

  /// Empty where all got there; else who did not.
  Result<std::string> pass() {
    const auto until = clock_.steady() + options_.patience;
    for (int hop = 0; hop < kHops; ++hop) {
      auto ends = read_ends();
      if (!ends) return ends.error();
      auto backlog = read_backlog(session_);
      if (!backlog) return backlog.error();
      for (;;) {
        auto behind = who_is_behind(*ends, *backlog);
        if (!behind || behind->empty()) {
          if (!behind) return behind.error();
          break;
        }
        if (clock_.steady() >= until) return behind;
        std::this_thread::sleep_for(kNap);
      }
    }
    return std::string();
  }

 private:
  using Ends = std::map<std::pair<std::string, std::int32_t>, std::int64_t>;

  Result<Ends> read_ends() {
    auto consumer = stream_.consumer();
    if (!consumer) return consumer.error();
    std::set<std::string> topics;
    for (const auto& service : services())
      for (const auto& use : service.topics)
        if (use.kind != worker::TopicKind::state) topics.insert(use.name);
    Ends ends;
    for (const auto& topic : topics) {
      std::vector<stream::TopicPartition> asked;
      for (std::int32_t p = 0; p < options_.partitions; ++p)
        asked.push_back({contracts::topic_name(options_.topic_prefix, topic), p});
      auto extents = (*consumer)->extents(asked, kExtentsLimit);
      if (!extents) return extents.error();
      for (std::int32_t p = 0; p < options_.partitions; ++p)
        ends[{topic, p}] = (*extents)[static_cast<std::size_t>(p)].end;
    }
    return ends;
  }

  Result<std::string> who_is_behind(const Ends& ends, const Backlog& before) {
    auto shards = read_shards(session_);
    if (!shards) return shards.error();
    for (const auto& service : services())
      for (const auto& use : service.topics) {
        if (use.kind == worker::TopicKind::state) continue;
        for (std::int32_t p = 0; p < options_.partitions; ++p) {
          const auto end = ends.at({use.name, p});
          if (end == 0) continue;
          std::int64_t next = 0;
          if (const auto row = shards->find({service.name, p}); row != shards->end()) {
            const auto positions = worker::parse_positions(row->second.positions);
            if (positions && positions->contains(use.name))
              next = positions->find(use.name)->second.next;
          }
          if (next < end)
            return service.name + '/' + std::to_string(p) + " has " + std::to_string(end - next) +
                   " records of " + use.name + " to read";
        }
      }
    auto now = read_backlog(session_);
    if (!now) return now.error();
    for (const auto& [key, newest] : before.newest)
      if (const auto left = now->oldest.find(key);
          left != now->oldest.end() && left->second <= newest)
        return key.first + '/' + std::to_string(key.second) + " has not published batch " +
               std::to_string(left->second);
    return std::string();
  }

  store::Session& session_;
  stream::Stream& stream_;
  const Clock& clock_;
  const Options& options_;
};

bool may_be_on_its_way(const Outcome& outcome) {
  return outcome.reach == Reach::at_rest && outcome.found > 0;
}

/// Of what was found before, what is found still.
void keep_lasting(Outcome& before, const Outcome& now) {
  std::erase_if(before.findings, [&now](const Finding& finding) {
    return !std::ranges::binary_search(now.findings, finding);
  });
  before.found = static_cast<std::int64_t>(before.findings.size());
}

}  // namespace

bool Report::whole() const {
  return violations() == 0;
}

std::int64_t Report::violations() const {
  std::int64_t count = 0;
  for (const auto& outcome : outcomes)
    if (!outcome.unsettled) count += outcome.found;
  return count;
}

Result<Report> audit(store::Session& session, stream::Stream& stream, const Clock& clock,
                     const Options& options) {
  Report report;
  const auto checks = all_table_checks();
  for (const auto& check : checks)
    report.outcomes.push_back(run(session, check));
  LogAudit first(session, stream, clock, options);
  auto found = first.pass();
  if (!found) return found.error();
  report.records = first.records();
  report.outcomes.insert(report.outcomes.end(), found->begin(), found->end());
  if (std::ranges::none_of(report.outcomes, may_be_on_its_way)) return report;

  auto unsettled = Barrier(session, stream, clock, options).pass();
  if (!unsettled) return unsettled.error();
  report.unsettled = std::move(*unsettled);
  const bool of_log =
      std::any_of(report.outcomes.begin() + static_cast<std::ptrdiff_t>(checks.size()),
                  report.outcomes.end(), may_be_on_its_way);
  std::vector<Outcome> again;
  if (of_log) {
    auto second = LogAudit(session, stream, clock, options).pass();
    if (!second) return second.error();
    again = std::move(*second);
  }
  for (std::size_t i = 0; i < report.outcomes.size(); ++i) {
    auto& outcome = report.outcomes[i];
    if (!may_be_on_its_way(outcome)) continue;
    keep_lasting(outcome, i < checks.size() ? run(session, checks[i]) : again[i - checks.size()]);
    outcome.unsettled = outcome.found > 0 && !report.unsettled.empty();
  }
  if (std::ranges::none_of(report.outcomes, &Outcome::unsettled)) report.unsettled.clear();
  return report;
}

}  // namespace dropline::audit
