#include "serve.hpp"

#include <filesystem>

#include "common/audit_role.hpp"
#include "common/keys.hpp"
#include "common/migrations.hpp"
#include "common/options.hpp"
#include "common/process.hpp"
#include "common/services.hpp"
#include "common/topics.hpp"
#include "common/web.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "dropline/worker/engine.hpp"

namespace dropline::apps {
namespace {

constexpr std::chrono::milliseconds kIdleWait{250};

/// The file, its lock, its connection, the stream in it and the services on it; torn down in the
/// opposite order.
class Embedded final {
 public:
  static Result<std::unique_ptr<Embedded>> open(const config::Settings& settings, Process& process,
                                                const Keys& keys);
  Embedded(store::Database database, store::Session session)
      : database_(std::move(database)), session_(std::move(session)) {}
  ~Embedded() {
    if (outside_) outside_->on_change({});
  }

  Status attach(const std::filesystem::path& file, stream::WriterLock lock,
                const config::Settings& settings, Process& process, const Keys& keys);

  worker::Engine& engine() { return *engine_; }
  stream::Stream& stream() { return *stream_; }
  const store::Database& database() const { return database_; }

 private:
  store::Database database_;
  store::Session session_;
  std::unique_ptr<stream::SqliteStream> stream_;
  std::unique_ptr<Outside> outside_;
  std::vector<std::unique_ptr<worker::Service>> services_;
  std::unique_ptr<worker::Engine> engine_;
};

Result<std::unique_ptr<Embedded>> Embedded::open(const config::Settings& settings, Process& process,
                                                 const Keys& keys) {
  const std::filesystem::path folder = settings.text("data_dir");
  const auto file = folder / "dropline.db";
  auto lock = stream::WriterLock::acquire(file);
  if (!lock) return lock.error();
  auto database = store::Database::parse("sqlite:" + file.string(), process.clock);
  if (!database) return database.error();
  auto session = database->open({.application = "dropline"});
  if (!session) return session.error();
  auto embedded = std::make_unique<Embedded>(std::move(*database), std::move(*session));
  if (auto done = embedded->attach(file, std::move(*lock), settings, process, keys); !done)
    return done.error();
  return embedded;
}

Status Embedded::attach(const std::filesystem::path& file, stream::WriterLock lock,
                        const config::Settings& settings, Process& process, const Keys& keys) {
  // Debian's SQLite keeps 2 MB in memory and overwrites whatever it deletes.
  if (auto tuned = session_.execute("tune", "PRAGMA cache_size=-32768; PRAGMA secure_delete=OFF");
      !tuned)
    return tuned;
  for (const auto& role : roles())
    if (auto migrated = migrate_service(session_, role); !migrated) return migrated;
  stream::SqliteOptions options;
  options.file = file;
  options.clock = &process.clock;
  auto stream = stream::SqliteStream::attach(session_.native(), options, std::move(lock));
  if (!stream) return stream.error();
  stream_ = std::move(*stream);
  if (auto made = stream_->ensure_topics_now(topic_specs(settings)); !made) return made;
  outside_ = Outside::open(settings, process, keys);
  std::vector<std::pair<worker::Service*, worker::LoopMetrics>> seats;
  for (const auto& role : roles()) {
    services_.push_back(make_service(role, settings, process, outside_.get()));
    seats.emplace_back(services_.back().get(), worker::LoopMetrics(process.metrics, role));
  }
  worker::LoopOptions loop;
  loop.topic_prefix = settings.text("topics.prefix");
  loop.tracer = process.tracing;
  loop.partitions = static_cast<std::int32_t>(settings.integer("topics.partitions"));
  auto engine = worker::Engine::start(
      {session_, stream_->engine(), *stream_, process.clock, process.random, keys.commands, loop},
      seats);
  if (!engine) return engine.error();
  engine_ = std::move(*engine);
  if (outside_) outside_->on_change([engine = engine_.get()] { engine->wake(); });
  return {};
}

/// On the engine's thread, after each of its steps.
void tell_health(const worker::Engine& engine, telemetry::Health::Component& component) {
  auto trouble = engine.health();
  if (!trouble.empty()) {
    component.failed(std::move(trouble));
  } else if (!engine.ready()) {
    component.failed("the services have not read the log up to now yet");
  } else {
    component.ok();
  }
}

/// The engine goes on while HTTP requests under way are answered, then finishes its own.
void drain(Embedded& embedded, Web& web) {
  std::atomic<bool> answered{false};
  std::thread answering([&] {
    web.drain(kDrainLimit / 2);
    answered = true;
    embedded.engine().wake();
  });
  while (!answered)
    embedded.engine().step(std::chrono::milliseconds(20));
  answering.join();
  embedded.engine().drain(kDrainLimit / 4);
}

}  // namespace

int serve(const config::Invocation& call) {
  const auto& settings = call.settings();
  if (auto home = check_development(settings, {"http.address", "admin.address"}); !home)
    return fail(home.error());
  const std::filesystem::path folder = settings.text("data_dir");
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    return fail(config::error(config::Errc::unreadable_file,
                              "data_dir " + folder.string() + ": " + failed.message()));
  Process process(settings, "dropline");
  auto keys = load_keys(keys_folder(settings), settings.boolean("dev"), process.random);
  if (!keys) return fail(keys.error());
  auto embedded = Embedded::open(settings, process, *keys);
  if (!embedded) return fail(embedded.error());
  auto& engine = (*embedded)->engine();
  auto component = process.health.component("engine");
  auto web = Web::start(settings, process, *keys, (*embedded)->stream(), (*embedded)->database());
  if (!web) return fail(web.error());
  std::optional<AuditRole> auditor(std::in_place, settings, process, (*embedded)->stream(),
                                   (*embedded)->database());
  process.on_stop([&engine] { engine.wake(); });
  while (!process.stopping()) {
    engine.step(kIdleWait);
    tell_health(engine, component);
    if (engine.broken())
      process.give_up(store::error(store::Errc::commit_unknown,
                                   "a commit of " + (*embedded)->database().name() +
                                       " failed in a way that leaves its outcome open; it is told "
                                       "by the file when dropline starts again"));
  }
  auditor.reset();
  drain(**embedded, **web);
  process.on_stop({});
  web->reset();
  embedded->reset();
  log::info("stopped");
  return process.exit_code();
}

}  // namespace dropline::apps
