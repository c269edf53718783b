// Random records through the worker in batches of several sizes: the same rows and events, which
// are those of the rules alone, and a ledger that sums to zero after every batch.
#include "cluster.hpp"
#include "dropline/stream/partitioner.hpp"
#include "traffic.hpp"

using namespace dropline;
using namespace dropline::payments;
using namespace dropline::payments::testing;

namespace {

/// Records of one topic that are all read before the next phase is written, so that every run meets
/// both topics' records in one order.
using Phase = std::vector<AnyMessage>;

std::vector<Phase> phases_of(const Traffic& traffic, SeededRandom& random) {
  std::vector<Phase> out;
  for (std::size_t at = 0; at < traffic.all.size();) {
    const auto end = std::min(traffic.all.size(), at + 1 + random.below(40));
    Phase facts;
    Phase commands;
    for (; at < end; ++at) {
      const bool fact = std::holds_alternative<StockReserved>(traffic.all[at]);
      (fact ? facts : commands).push_back(traffic.all[at]);
    }
    if (!facts.empty()) out.push_back(std::move(facts));
    if (!commands.empty()) out.push_back(std::move(commands));
  }
  return out;
}

Timestamp time_of(std::size_t phase) {
  return kNoon + std::chrono::hours(1) * (phase + 1);
}

std::int32_t partition(const MemberId& who) {
  return stream::partition_of(who.text(), kPartitions);
}

/// What the rules say of all phases, partition by partition.
struct Rules {
  explicit Rules(const std::vector<Phase>& phases) {
    for (std::size_t i = 0; i < phases.size(); ++i)
      for (const auto& message : phases[i])
        std::visit([this, at = time_of(i)](const auto& m) { judge(m, at); }, message);
    for (const auto& part : parts)
      said.insert(said.end(), part.begin(), part.end());
  }

  template <class T>
  void judge(const T& message, Timestamp at) {
    const Moment moment{at, partition(message.member)};
    if constexpr (std::same_as<T, StockReserved> || std::same_as<T, OpenPayment>) {
      note(open(book, terms, message, moment), moment);
    } else if constexpr (std::same_as<T, ClosePayment>) {
      note(close(book, terms, message, moment), moment);
    } else if constexpr (std::same_as<T, RefundPayment>) {
      note(refund(book, terms, message, moment), moment);
    } else if constexpr (std::same_as<T, ChargeWallet>) {
      note(request(book, terms, message, moment), moment);
    } else {
      note(settle(book, terms, message, moment), moment);
    }
  }
  void note(const Answers& answers, const Moment& moment) {
    for (const auto& answer : answers)
      note(answer, moment);
  }
  template <class... Ts>
  void note(const std::variant<Ts...>& answer, const Moment& moment) {
    std::visit(
        [&]<class T>(const T& message) {
          if constexpr (!std::same_as<T, std::monostate>)
            parts[static_cast<std::size_t>(moment.shard)].push_back(std::string(T::kType) + ' ' +
                                                                    encode(message));
        },
        answer);
  }

  Book book;
  Terms terms{won(1'000), won(500'000)};
  std::vector<std::vector<std::string>> parts = std::vector<std::vector<std::string>>(kPartitions);
  std::vector<std::string> said;
};

/// Every row of every table, each column of it, in key order.
std::vector<std::string> dump(Ground& ground) {
  const std::pair<const char*, std::vector<const char*>> tables[] = {
      {"{wallets}", {"hex(member)", "currency", "balance", "charged", "transfers", "shard", "at"}},
      {"{entries}",
       {"hex(member)", "account", "transfer", "kind", "hex(reference)", "amount", "currency",
        "balance", "shard", "at"}},
      {"{totals}", {"account", "shard", "currency", "balance"}},
      {"{payments}",
       {"hex(order_id)", "hex(member)", "hex(drop_id)", "method", "state", "amount", "currency",
        "captured", "refunded", "cause", "declined", "opened_at", "captured_at", "at", "received",
        "sending", "closing", "account"}},
      {"{refunds}",
       {"hex(refund)", "hex(member)", "hex(order_id)", "amount", "currency", "refused", "at"}},
      {"{charges}",
       {"hex(charge)", "hex(member)", "method", "state", "amount", "currency", "declined", "at"}}};
  std::vector<std::string> out;
  for (const auto& [table, columns] : tables) {
    std::string sql = "SELECT ";
    for (const auto* column : columns)
      sql += "coalesce(" + std::string(column) + ", '-') || '|' || ";
    sql += "'' FROM " + std::string(table) + " ORDER BY 1";
    const auto rows =
        store::query(ground.session, {"dump", "payments", sql}, {}, {store::Type::text});
    REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text()));
    for (std::size_t i = 0; i < rows->size(); ++i)
      out.push_back(std::string(table) + ' ' + std::string((*rows)[i].text(0)));
  }
  return out;
}

struct Outcome {
  std::vector<std::string> rows;
  std::vector<std::string> events;
  std::vector<std::string> dead;
};

/// Runs all phases through one worker after another; checks the ledger after each step that wrote.
Outcome replay(const std::vector<Phase>& phases, const Rules& rules, std::size_t batch) {
  Cluster cluster;
  std::int64_t entries = 0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    cluster.clock.jump(time_of(i) - cluster.clock.now());
    for (const auto& message : phases[i])
      std::visit([&cluster](const auto& m) { cluster.say(m, {.source = "ingress/1"}); }, message);
    cluster.outside.pump();
    Cluster::Process process(cluster, "worker-" + std::to_string(i), nullptr, batch);
    const int turns = 40 + 4 * static_cast<int>(phases[i].size());
    for (int turn = 0; turn < turns; ++turn) {
      cluster.run({&process}, 1);
      const auto now = cluster.ground.number("SELECT count(*) FROM {entries}");
      if (now != entries) check_tables(cluster.ground);
      entries = now;
    }
    process.worker->drain(1s);
  }
  check_tables(cluster.ground);
  for (const auto& [who, wallet] : rules.book.wallets) {
    const auto stored = find_wallet(cluster.ground.session, who).value();
    REQUIRE(stored.has_value());
    CHECK(stored->balance == wallet.balance);
    CHECK(stored->shard == wallet.shard);
    CHECK(stored->at == wallet.at);
  }
  const auto text = [](const auto& record) {
    return std::string(record.header("ce_type").value_or("?")) + ' ' +
           std::string(record.value.value_or("-"));
  };
  auto dead = cluster.types("payments.commands.dead");
  for (auto& type : cluster.types("stock.events.dead"))
    dead.push_back(std::move(type));
  return {dump(cluster.ground), cluster.read("payments.events", text), std::move(dead)};
}

}  // namespace

TEST_CASE("batches of any size come to the same rows and events, and the ledger sums to zero") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto phases = phases_of(Traffic(seed), random);
    const Rules rules(phases);
    REQUIRE(rules.said.size() > 20);
    const auto alone = replay(phases, rules, 1);
    CHECK(alone.dead.empty());
    CHECK(alone.events == rules.said);
    CHECK(alone.rows.size() >= rules.book.wallets.size() + rules.book.entries.size() +
                                   rules.book.payments.size() + rules.book.refunds.size() +
                                   rules.book.charges.size());
    for (const std::size_t batch : {std::size_t{2}, std::size_t{7}, std::size_t{2'000}}) {
      CAPTURE(batch);
      const auto together = replay(phases, rules, batch);
      CHECK(together.dead.empty());
      CHECK(together.events == alone.events);
      CHECK(together.rows == alone.rows);
    }
  }
}
