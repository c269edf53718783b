#include "dropline/stream/sqlite/sqlite_stream.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "consumers.hpp"
#include "database.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/stream/group_coordinator.hpp"
#include "engine.hpp"
#include "inlet.hpp"
#include "notices.hpp"
#include "schema.hpp"
#include "watcher.hpp"

namespace dropline::stream {
namespace {

using sqlite::Database;
using sqlite::guarded;

/// How many records sent go into one commit of the stream's own writer.
constexpr std::size_t kMaxCommitRecords = 10'000;
/// How long a producer's destructor waits for what is in flight.
constexpr std::chrono::milliseconds kDestructorLimit{1'000};
/// How often a writer without work looks whether maintenance is due.
constexpr std::chrono::milliseconds kIdleRound{200};

class SqliteProducer final : public Producer {
 public:
  SqliteProducer(sqlite::Inlet& inlet, DeliveryHandler handler)
      : inlet_(inlet), sender_(std::make_shared<sqlite::Sender>()) {
    sender_->handler = std::move(handler);
  }
  ~SqliteProducer() override { close(kDestructorLimit); }

  Status send(const Draft& draft, std::uint64_t token) override {
    return inlet_.send(sender_, draft, token);
  }
  bool flush(std::chrono::milliseconds limit) override { return inlet_.flush(*sender_, limit); }
  void close(std::chrono::milliseconds limit) override { inlet_.close(sender_, limit); }
  [[nodiscard]] std::optional<Error> fatal_error() const override { return inlet_.fatal(); }

 private:
  sqlite::Inlet& inlet_;
  std::shared_ptr<sqlite::Sender> sender_;
};

class SqliteAdmin final : public Admin {
 public:
  SqliteAdmin(sqlite::Inlet& inlet, std::chrono::milliseconds limit, bool read_only)
      : inlet_(inlet), limit_(limit), read_only_(read_only) {}

  Status ensure_topics(std::span<const TopicSpec> topics) override {
    return change([specs = std::vector<TopicSpec>(topics.begin(), topics.end())](
                      sqlite::LogWriter& writer) { writer.ensure_topics(specs); });
  }

  Result<std::vector<std::optional<std::int32_t>>> partitions(
      std::span<const std::string> topics) override {
    const auto catalogue = inlet_.catalogue();
    std::vector<std::optional<std::int32_t>> counts;
    for (const auto& name : topics) {
      const auto found = catalogue->find(name);
      counts.push_back(found == catalogue->end() ? std::nullopt
                                                 : std::optional(found->second.spec.partitions));
    }
    return counts;
  }

  Status truncate(const TopicPartition& at, std::int64_t offset) override {
    return change([at, offset](sqlite::LogWriter& writer) { writer.truncate(at, offset); });
  }

  Status remove_topics(std::span<const std::string> topics) override {
    return change([names = std::vector<std::string>(topics.begin(), topics.end())](
                      sqlite::LogWriter& writer) { writer.remove_topics(names); });
  }

 private:
  Status change(std::function<void(sqlite::LogWriter&)> work) {
    if (read_only_) {
      return error(Errc::locked, "this log was opened read-only; ask the process that writes it");
    }
    return inlet_.ask(std::move(work), limit_);
  }

  sqlite::Inlet& inlet_;
  const std::chrono::milliseconds limit_;
  const bool read_only_;
};

const Clock& machine_clock() {
  static const SystemClock clock;
  return clock;
}

void check_options(const SqliteOptions& options) {
  const char* wrong = nullptr;
  if (options.file.empty()) wrong = "file is empty";
  if (options.max_in_flight_records == 0) wrong = "max_in_flight_records is zero";
  if (options.max_in_flight_bytes == 0) wrong = "max_in_flight_bytes is zero";
  if (options.max_poll_bytes == 0) wrong = "max_poll_bytes is zero";
  if (options.foreign_poll_interval.count() < 1) wrong = "foreign_poll_interval is below 1 ms";
  if (options.maintenance_interval.count() < 1) wrong = "maintenance_interval is below 1 ms";
  if (options.maintenance_records == 0) wrong = "maintenance_records is zero";
  if (options.compact_after_records < 1) wrong = "compact_after_records is less than one";
  if (wrong != nullptr) {
    throw ErrorException(error(Errc::bad_config, std::string("SQLite stream: ") + wrong));
  }
}

}  // namespace

class SqliteStream::Core final {
 public:
  enum class Way { own, attached, read_only };

  Core(SqliteOptions settings, Way how, std::optional<WriterLock> held, sqlite3* handle)
      : options(std::move(settings)),
        way(how),
        lock(std::move(held)),
        clock(options.clock != nullptr ? *options.clock : machine_clock()),
        inlet(options.max_in_flight_records, options.max_in_flight_bytes),
        groups(clock) {
    if (way == Way::read_only) {
      watcher = std::make_unique<sqlite::Watcher>(options, inlet, notices);
      inlet.stop(error(Errc::locked, "the log file " + options.file.string() +
                                         " was opened read-only; its writer takes records"));
      return;
    }
    if (way == Way::attached) {
      writer = std::make_unique<Database>(handle, options.file);
    } else {
      writer = std::make_unique<Database>(options.file, Database::Mode::write);
    }
    prepare_writer();
    engine = std::make_unique<sqlite::Engine>(*writer, options, clock, inlet, notices);
    if (way == Way::own) thread = std::thread([this] { write(); });
  }

  ~Core() {
    if (thread.joinable()) {
      {
        const std::lock_guard guard(pause_mutex);
        stopping = true;
      }
      pause_condition.notify_all();
      inlet.wake();
      thread.join();
    }
    if (engine) engine->stop();
  }

  /// The writer's thread: what an engine does, without services.
  void write() {
    bool more = false;
    while (!stopping) {
      if (!more) inlet_wait(kIdleRound);
      const auto round = write_round();
      more = round && *round;
      if (round) continue;
      say(round.error().text());
      if (!round.error().transient()) {
        engine->stop(round.error());
        return;
      }
      pause();
    }
  }

  void say(std::string what) {
    const std::lock_guard guard(trouble_mutex);
    trouble = std::move(what);
  }

  SqliteOptions options;
  const Way way;
  std::optional<WriterLock> lock;
  const Clock& clock;
  sqlite::Inlet inlet;
  sqlite::Notices notices;
  GroupCoordinator groups;
  std::unique_ptr<Database> writer;
  std::unique_ptr<sqlite::Engine> engine;
  std::unique_ptr<sqlite::Watcher> watcher;
  mutable std::mutex trouble_mutex;
  std::string trouble;

 private:
  void prepare_writer() {
    if (way == Way::own) {
      writer->execute("PRAGMA cache_size = -16000");
      writer->execute("PRAGMA secure_delete = OFF");
      writer->execute("PRAGMA foreign_keys = OFF");
    }
    const std::string mode = writer->query_text("PRAGMA journal_mode = WAL");
    if (mode != "wal") {
      throw ErrorException(
          error(Errc::failed, "the log file " + options.file.string() +
                                  " cannot have a write-ahead log (it is in mode " + mode +
                                  "); use a file on a local disk"));
    }
    writer->execute("PRAGMA synchronous = FULL");
    writer->execute("PRAGMA journal_size_limit = " + std::to_string(options.max_wal_bytes));
    writer->execute("BEGIN IMMEDIATE");
    try {
      sqlite::prepare_format(*writer);
      writer->execute("COMMIT");
    } catch (const ErrorException&) {
      writer->try_execute("ROLLBACK");
      throw;
    }
  }

  void inlet_wait(std::chrono::milliseconds limit) {
    engine->wait_for_work(std::min(limit, options.maintenance_interval));
  }

  /// One transaction. True when there is more to do at once.
  Result<bool> write_round() {
    bool committing = false;
    auto round = guarded([&] {
      writer->execute("BEGIN IMMEDIATE");
      const auto sent = engine->take_sends(kMaxCommitRecords);
      if (!sent) throw ErrorException(sent.error());
      const auto more = engine->maintain();
      if (!more) throw ErrorException(more.error());
      committing = true;
      writer->execute("COMMIT");
      return *more || *sent > 0;
    });
    if (round) {
      say({});
      engine->committed();
      return round;
    }
    writer->try_execute("ROLLBACK");
    // A full disk stops the commit before its last page is written; after another error nobody
    // knows whether it is in the file.
    engine->rolled_back(committing && !round.error().transient());
    return round;
  }

  void pause() {
    std::unique_lock guard(pause_mutex);
    pause_condition.wait_for(guard, kDiskRetry, [this] { return stopping.load(); });
  }

  std::mutex pause_mutex;
  std::condition_variable pause_condition;
  std::atomic<bool> stopping{false};
  std::thread thread;
};

SqliteStream::SqliteStream(std::unique_ptr<Core> core) : core_(std::move(core)) {}
SqliteStream::~SqliteStream() = default;

Result<std::unique_ptr<SqliteStream>> SqliteStream::open(SqliteOptions options) {
  return guarded([&] {
    check_options(options);
    auto lock = WriterLock::acquire(options.file);
    if (!lock) throw ErrorException(lock.error());
    return std::unique_ptr<SqliteStream>(new SqliteStream(
        std::make_unique<Core>(std::move(options), Core::Way::own, std::move(*lock), nullptr)));
  });
}

Result<std::unique_ptr<SqliteStream>> SqliteStream::open_read_only(SqliteOptions options) {
  return guarded([&] {
    check_options(options);
    return std::unique_ptr<SqliteStream>(new SqliteStream(
        std::make_unique<Core>(std::move(options), Core::Way::read_only, std::nullopt, nullptr)));
  });
}

Result<std::unique_ptr<SqliteStream>> SqliteStream::attach(void* sqlite_handle,
                                                           SqliteOptions options,
                                                           std::optional<WriterLock> lock) {
  return guarded([&] {
    check_options(options);
    if (!lock) {
      auto taken = WriterLock::acquire(options.file);
      if (!taken) throw ErrorException(taken.error());
      lock = std::move(*taken);
    }
    return std::unique_ptr<SqliteStream>(new SqliteStream(
        std::make_unique<Core>(std::move(options), Core::Way::attached, std::move(lock),
                               static_cast<sqlite3*>(sqlite_handle))));
  });
}

EngineSide& SqliteStream::engine() {
  ensure(core_->way == Core::Way::attached, "only an attached stream has an engine's side");
  return *core_->engine;
}

Result<std::unique_ptr<Producer>> SqliteStream::producer(DeliveryHandler on_delivery) {
  if (const auto fatal = core_->inlet.fatal()) return *fatal;
  return std::make_unique<SqliteProducer>(core_->inlet, std::move(on_delivery));
}

Result<std::unique_ptr<Consumer>> SqliteStream::consumer() {
  return guarded([&]() -> std::unique_ptr<Consumer> {
    return std::make_unique<sqlite::TailConsumer>(core_->options, core_->inlet,
                                                  core_->notices.waiter());
  });
}

Result<std::unique_ptr<Membership>> SqliteStream::join(const std::string& group,
                                                       const std::string& anchor_topic,
                                                       const std::string& member) {
  const auto catalogue = core_->inlet.catalogue();
  const auto topic = catalogue->find(anchor_topic);
  if (topic == catalogue->end()) {
    return error(Errc::unknown_topic, "there is no topic " + anchor_topic);
  }
  return core_->groups.join(group, anchor_topic, topic->second.spec.partitions, member);
}

Result<std::unique_ptr<Admin>> SqliteStream::admin(std::chrono::milliseconds limit) {
  return std::make_unique<SqliteAdmin>(core_->inlet, limit, core_->way == Core::Way::read_only);
}

Status SqliteStream::ensure_topics_now(std::span<const TopicSpec> topics) {
  ensure(core_->way == Core::Way::attached, "ensure_topics_now() is for attached streams");
  auto& database = *core_->writer;
  auto done = guarded([&] {
    database.execute("BEGIN IMMEDIATE");
    core_->engine->writer().ensure_topics(topics);
    database.execute("COMMIT");
  });
  if (done) {
    core_->engine->publish();
  } else {
    database.try_execute("ROLLBACK");
    core_->engine->rolled_back(false);
  }
  return done;
}

Result<std::vector<TopicSpec>> SqliteStream::topics() {
  std::vector<TopicSpec> specs;
  const auto catalogue = core_->inlet.catalogue();
  for (const auto& [name, topic] : *catalogue)
    specs.push_back(topic.spec);
  return specs;
}

SqliteFigures SqliteStream::figures() const {
  SqliteFigures figures;
  figures.in_flight_records = core_->inlet.records();
  figures.in_flight_bytes = core_->inlet.bytes();
  if (core_->engine) {
    const auto& counters = core_->engine->counters();
    figures.wal_bytes = core_->engine->wal_bytes();
    figures.commits = counters.commits;
    figures.appended = counters.appended;
    figures.compacted = counters.compacted;
    figures.expired = counters.expired;
  }
  const std::lock_guard guard(core_->trouble_mutex);
  figures.trouble = core_->trouble;
  return figures;
}

}  // namespace dropline::stream
