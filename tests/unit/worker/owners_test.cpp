// Two owners of one shard, on two sessions of a real PostgreSQL: every order in which their steps
// can come is tried, and in none does a stale owner write.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <optional>

#include "dropline/store/errors.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/transaction.hpp"
#include "dropline/worker/shard_ledger.hpp"
#include "worker_migrations.hpp"

namespace {

using namespace dropline;
using worker::Shard;
using worker::ShardLedger;
using worker::ShardRow;

constexpr std::array<Shard, 1> kShards{Shard{3}};
/// How long a step may wait for the other owner's lock before it is tried again later.
constexpr std::chrono::milliseconds kLockLimit{30};

std::string server_url() {
  const char* url = std::getenv("DROPLINE_TEST_POSTGRESQL");
  if (url == nullptr || *url == '\0')
    FAIL(
        "DROPLINE_TEST_POSTGRESQL is not set: it is the URL of a PostgreSQL to test with, such as "
        "the second word of what `scripts/postgres start` prints");
  return url;
}

/// A schema of its own with the loop's tables in it, dropped at the end.
class Place final {
 public:
  Place() {
    auto session = database_.open().value();
    REQUIRE(session.execute("make schema", "CREATE SCHEMA " + service_));
    const auto files = embedded::worker_migrations();
    const auto migrations = store::parse_migrations(files);
    REQUIRE(migrations.has_value());
    REQUIRE(store::migrate(session, service_, *migrations).has_value());
  }
  ~Place() {
    auto session = database_.open();
    if (session)
      static_cast<void>(session->execute("drop schema", "DROP SCHEMA " + service_ + " CASCADE"));
  }

  [[nodiscard]] store::Session open(std::chrono::milliseconds lock_limit = kLockLimit) const {
    store::SessionOptions options;
    options.lock_limit = lock_limit;
    return database_.open(options).value();
  }
  [[nodiscard]] const std::string& service() const { return service_; }

 private:
  SystemClock clock_;
  std::string service_ = "owners_" + std::to_string(::getpid());
  store::Database database_ = store::Database::parse(server_url(), clock_).value();
};

enum class Step { claim, lock, save, commit };
constexpr std::array kSteps{Step::claim, Step::lock, Step::save, Step::commit};

/// What the two owners did to the row, in the order in which it became durable.
struct History {
  struct Write {
    std::int64_t epoch = 0;  ///< of the owner that wrote
    std::int64_t seq = 0;    ///< what it wrote
  };
  std::int64_t last_claimed = 0;
  std::vector<Write> writes;
};

/// One owner: claims, then does one batch as the loop does it. The batch counts the row's seq up.
class Owner final {
 public:
  Owner(const ShardLedger& ledger, store::Session session)
      : ledger_(ledger), session_(std::move(session)) {}

  /// False: another holds the lock; nothing was done, and the step may be tried again.
  bool take(Step step, History& history) {
    switch (step) {
      case Step::claim:
        return claim(history);
      case Step::lock:
        return lock(history);
      case Step::save:
        return save();
      case Step::commit:
        return commit(history);
    }
    return true;
  }

  [[nodiscard]] bool fenced() const { return fenced_; }
  [[nodiscard]] std::int64_t epoch() const { return epoch_; }

 private:
  bool claim(History& history) {
    auto transaction = store::Transaction::begin(session_);
    REQUIRE(transaction.has_value());
    const auto rows = ledger_.claim(session_, kShards);
    if (!rows) return busy(rows.error());
    REQUIRE(transaction->commit());
    REQUIRE(rows->size() == 1);
    epoch_ = rows->front().epoch;
    CHECK_MESSAGE(epoch_ > history.last_claimed, "epochs grow strictly");
    history.last_claimed = epoch_;
    return true;
  }

  bool lock(const History& history) {
    auto transaction = store::Transaction::begin(session_);
    REQUIRE(transaction.has_value());
    const auto rows = ledger_.lock(session_, kShards);
    if (!rows) return busy(rows.error());
    REQUIRE(rows->size() == 1);
    row_ = rows->front();
    fenced_ = row_.epoch != epoch_;
    CHECK_MESSAGE(fenced_ == (epoch_ != history.last_claimed),
                  "the lock shows another epoch to the stale owner, and only to it");
    if (fenced_)
      transaction->rollback();
    else
      transaction_.emplace(std::move(*transaction));
    return true;
  }

  bool save() {
    if (fenced_) return true;
    ++row_.seq;
    row_.positions = "orders.commands " + std::to_string(row_.seq) + " 0";
    REQUIRE(ledger_.save(session_, std::array{row_}));
    return true;
  }

  bool commit(History& history) {
    if (fenced_) return true;
    REQUIRE(transaction_->commit());
    transaction_.reset();
    CHECK_MESSAGE(epoch_ == history.last_claimed, "only the last to claim writes");
    history.writes.push_back({epoch_, row_.seq});
    return true;
  }

  static bool busy(const Error& error) {
    REQUIRE_MESSAGE(error.code == store::Errc::busy, error.text());
    return false;
  }

  const ShardLedger& ledger_;
  store::Session session_;
  std::optional<store::Transaction> transaction_;
  ShardRow row_;
  std::int64_t epoch_ = 0;
  bool fenced_ = false;
};

/// Plays one order of steps. A step that meets the other's lock waits, and with it the later steps
/// of its owner, until the other has moved on. Says which steps were played, in capitals those that
/// had to wait.
std::string play(const std::string& order, std::array<Owner, 2>& owners, History& history) {
  std::array<std::size_t, 2> done{};
  std::deque<std::size_t> turns;
  for (const char name : order)
    turns.push_back(name == 'a' ? 0 : 1);
  std::string played;
  std::size_t waits = 0;
  while (!turns.empty()) {
    const auto who = turns.front();
    turns.pop_front();
    if (owners[who].take(kSteps[done[who]], history)) {
      ++done[who];
      waits = 0;
      played += who == 0 ? 'a' : 'b';
      continue;
    }
    played += who == 0 ? 'A' : 'B';
    REQUIRE_MESSAGE(++waits <= turns.size(), "the owners wait for each other: " << played);
    // Its turn moves behind the next one of the other.
    const auto other = std::ranges::find(turns, 1 - who);
    REQUIRE_MESSAGE(other != turns.end(), "waits for nobody: " << played);
    turns.insert(other + 1, who);
  }
  return played;
}

ShardRow read(const ShardLedger& ledger, store::Session& session) {
  auto transaction = store::Transaction::begin(session);
  REQUIRE(transaction.has_value());
  auto rows = ledger.lock(session, kShards);
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 1);
  return rows->front();
}

struct Tally {
  int orders = 0;
  int waited = 0;
  int fenced = 0;
  int both_wrote = 0;
};

void judge(const History& history, const ShardRow& before, const ShardRow& after,
           const std::array<Owner, 2>& owners) {
  CHECK_MESSAGE(after.seq == before.seq + static_cast<std::int64_t>(history.writes.size()),
                "no write is lost, and none is made twice");
  CHECK(after.epoch == before.epoch + 2);
  CHECK(after.epoch == history.last_claimed);
  for (std::size_t i = 0; i < history.writes.size(); ++i) {
    CHECK(history.writes[i].seq == before.seq + static_cast<std::int64_t>(i) + 1);
    if (i > 0) CHECK(history.writes[i].epoch > history.writes[i - 1].epoch);
  }
  CHECK(owners[0].epoch() != owners[1].epoch());
  const auto& last = owners[0].epoch() > owners[1].epoch() ? owners[0] : owners[1];
  CHECK_MESSAGE(!last.fenced(), "the last owner is never kept out");
  if (!history.writes.empty())
    CHECK(after.positions == "orders.commands " + std::to_string(after.seq) + " 0");
}

}  // namespace

TEST_CASE("in every order of their steps, only the last of two owners to claim writes") {
  const Place place;
  const ShardLedger ledger(place.service());
  auto observer = place.open(std::chrono::seconds(5));
  {
    auto transaction = store::Transaction::begin(observer);
    REQUIRE(transaction.has_value());
    REQUIRE(ledger.claim(observer, kShards).has_value());
    REQUIRE(transaction->commit());
  }
  std::array<Owner, 2> owners{Owner(ledger, place.open()), Owner(ledger, place.open())};
  std::string order = "aaaabbbb";
  Tally tally;
  do {
    CAPTURE(order);
    const auto before = read(ledger, observer);
    History history;
    history.last_claimed = before.epoch;
    const auto played = play(order, owners, history);
    CAPTURE(played);
    judge(history, before, read(ledger, observer), owners);
    ++tally.orders;
    tally.waited += played.find_first_of("AB") != std::string::npos;
    tally.fenced += owners[0].fenced() || owners[1].fenced();
    tally.both_wrote += history.writes.size() == 2;
  } while (std::ranges::next_permutation(order).found);
  MESSAGE(tally.orders << " orders; in " << tally.waited << " an owner waited for a lock, in "
                       << tally.fenced << " one was fenced, in " << tally.both_wrote
                       << " both wrote, one after the other");
  CHECK(tally.orders == 70);  // 8 over 4
  CHECK(tally.fenced + tally.both_wrote == tally.orders);
  CHECK(tally.waited > 0);
  CHECK(tally.fenced > 0);
  CHECK(tally.both_wrote > 0);
}

TEST_CASE("two owners that claim a shard nobody has seen get two epochs") {
  const Place place;
  const ShardLedger ledger(place.service());
  auto first = place.open();
  auto second = place.open();
  auto one = store::Transaction::begin(first);
  REQUIRE(one.has_value());
  const auto mine = ledger.claim(first, kShards);
  REQUIRE(mine.has_value());
  {
    auto two = store::Transaction::begin(second);
    REQUIRE(two.has_value());
    const auto early = ledger.claim(second, kShards);
    REQUIRE(!early.has_value());
    CHECK(early.error().code == store::Errc::busy);
  }
  REQUIRE(one->commit());
  auto two = store::Transaction::begin(second);
  REQUIRE(two.has_value());
  const auto theirs = ledger.claim(second, kShards);
  REQUIRE(theirs.has_value());
  REQUIRE(two->commit());
  CHECK(theirs->front().epoch == mine->front().epoch + 1);
}

TEST_CASE("an owner that dies while it holds the lock leaves no trace, and the next goes on") {
  const Place place;
  const ShardLedger ledger(place.service());
  auto next = place.open();
  std::int64_t epoch = 0;
  {
    auto dying = place.open();
    {
      auto claiming = store::Transaction::begin(dying);
      REQUIRE(claiming.has_value());
      epoch = ledger.claim(dying, kShards).value().front().epoch;
      REQUIRE(claiming->commit());
    }
    auto batch = store::Transaction::begin(dying);
    REQUIRE(batch.has_value());
    auto row = ledger.lock(dying, kShards).value().front();
    row.seq += 100;
    REQUIRE(ledger.save(dying, std::array{row}));
    auto other = store::Transaction::begin(next);
    REQUIRE(other.has_value());
    REQUIRE(!ledger.claim(next, kShards).has_value());
  }
  auto claiming = store::Transaction::begin(next);
  REQUIRE(claiming.has_value());
  const auto rows = ledger.claim(next, kShards);
  REQUIRE(rows.has_value());
  CHECK(rows->front().epoch == epoch + 1);
  CHECK(rows->front().seq == 0);
  REQUIRE(claiming->commit());
}
