// Workers of distributed mode: any set of services, by role, each on a thread of its own.
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "common/audit_role.hpp"
#include "common/keys.hpp"
#include "common/migrations.hpp"
#include "common/options.hpp"
#include "common/process.hpp"
#include "common/services.hpp"
#include "common/topics.hpp"
#include "common/web.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/worker/worker.hpp"

namespace dropline::apps {
namespace {

constexpr std::chrono::milliseconds kStepWait{500};
constexpr std::chrono::milliseconds kRetry{500};
/// A statement of a batch takes a fraction of this; a server that hangs must not delay the drain.
constexpr std::chrono::milliseconds kStatementLimit{5'000};
constexpr std::chrono::milliseconds kNap{50};
/// The role that is no service: it holds the others against the shop's invariants.
constexpr std::string_view kAudit = "audit";

constexpr std::string_view kPayments = "payments";

/// What the roles of one process share.
struct Shared {
  const config::Settings& settings;
  Process& process;
  const Keys& keys;
  const store::Database& database;
  stream::Stream& stream;
  const TopicSetup& topics;
};

/// One role on a thread of its own, from migrations to drain.
class Role final {
 public:
  Role(Shared shared, const std::string& name)
      : shared_(shared),
        name_(name),
        outside_(name == kPayments ? Outside::open(shared.settings, shared.process, shared.keys)
                                   : nullptr),
        service_(make_service(name, shared.settings, shared.process, outside_.get())),
        component_(shared.process.health.component(name)),
        thread_([this] { run(); }) {}
  ~Role() { thread_.join(); }

 private:
  void run();
  bool migrate();
  std::unique_ptr<worker::Worker> start();
  void nap(std::chrono::milliseconds length) const;
  [[nodiscard]] bool stopping() const { return shared_.process.stopping(); }

  Shared shared_;
  std::string name_;
  std::unique_ptr<Outside> outside_;
  std::unique_ptr<worker::Service> service_;
  telemetry::Health::Component component_;
  std::thread thread_;
};

void Role::nap(std::chrono::milliseconds length) const {
  const auto until = shared_.process.clock.steady() + length;
  while (!stopping() && shared_.process.clock.steady() < until)
    std::this_thread::sleep_for(kNap);
}

bool Role::migrate() {
  while (!stopping()) {
    auto session = shared_.database.open({.application = "dropline-worker " + name_});
    auto done = session ? migrate_service(*session, name_) : Status(session.error());
    if (done) return true;
    component_.failed(done.error().text());
    log::warn("the schema is not ready", {{"service", name_}, {"error", done.error().text()}});
    if (!done.error().transient()) {
      shared_.process.give_up(done.error());
      return false;
    }
    nap(kRetry);
  }
  return false;
}

std::unique_ptr<worker::Worker> Role::start() {
  worker::Worker::Parts parts{.service = *service_,
                              .database = shared_.database,
                              .stream = shared_.stream,
                              .clock = shared_.process.clock,
                              .random = shared_.process.random,
                              .keys = shared_.keys.commands,
                              .member = name_ + '-' + std::to_string(::getpid())};
  parts.session.application = "dropline-worker " + name_;
  parts.session.statement_limit = kStatementLimit;
  parts.loop.topic_prefix = shared_.settings.text("topics.prefix");
  parts.loop.tracer = shared_.process.tracing;
  parts.loop.partitions = static_cast<std::int32_t>(shared_.settings.integer("topics.partitions"));
  parts.metrics = worker::LoopMetrics(shared_.process.metrics, name_);
  auto started = worker::Worker::start(std::move(parts));
  if (started) return std::move(*started);
  component_.failed(started.error().text());
  log::error("a role cannot start", {{"service", name_}, {"error", started.error().text()}});
  shared_.process.give_up(started.error());
  return nullptr;
}

void Role::run() {
  if (!shared_.topics.wait(shared_.process.stopping()) || !migrate()) return;
  const auto worker = start();
  if (!worker) return;
  if (outside_) outside_->on_change([&worker] { worker->wake(); });
  while (!stopping()) {
    worker->step(kStepWait);
    auto trouble = worker->health();
    if (trouble.empty()) {
      component_.ok();
    } else {
      component_.failed(std::move(trouble));
    }
  }
  if (outside_) outside_->on_change({});
  worker->drain(kDrainLimit * 3 / 4);
}

int work(const config::Invocation& call) {
  const auto& settings = call.settings();
  auto names = call.arguments("role");
  bool audits = false;
  if (names == std::vector<std::string>{"all"}) {
    names = roles();
    audits = true;
  }
  if (std::erase(names, kAudit) > 0) audits = true;
  for (const auto& name : names)
    if (std::ranges::find(roles(), name) == roles().end()) {
      std::string known;
      for (const auto& role : roles())
        known += ' ' + role;
      known += ' ' + std::string(kAudit);
      return fail(config::error(config::Errc::usage,
                                "there is no role '" + name + "'; roles are: all" + known));
    }
  if (!settings.has("database.url"))
    return fail(config::error(config::Errc::missing_value,
                              "--database-url (or DROPLINE_DATABASE_URL) names the PostgreSQL to "
                              "work on; it is missing"));
  Process process(settings, "dropline-worker");
  auto keys = load_keys(keys_folder(settings), settings.boolean("dev"), process.random);
  if (!keys) return fail(keys.error());
  auto database = store::Database::parse(settings.text("database.url"), process.clock);
  if (!database) return fail(database.error());
  auto stream = stream::KafkaStream::open(
      kafka_options(settings, Publisher::relay, "dropline-worker-" + std::to_string(::getpid())));
  if (!stream) return fail(stream.error());
  auto operations = start_operations(settings, process);
  if (!operations) return fail(operations.error());
  const TopicSetup topics(**stream, settings, process);
  {
    std::vector<std::unique_ptr<Role>> running;
    for (const auto& name : names)
      running.push_back(std::make_unique<Role>(
          Shared{settings, process, *keys, *database, **stream, topics}, name));
    std::optional<AuditRole> auditor;
    if (audits) auditor.emplace(settings, process, **stream, *database);
    process.wait_for_stop();
  }
  log::info("stopped");
  return process.exit_code();
}

}  // namespace
}  // namespace dropline::apps

int main(int argc, char** argv) {
  using namespace dropline;
  auto line = apps::command_line("dropline-worker", "Workers of dropline, by role");
  line.add({.name = "work",
            .summary = "Run services until told to stop",
            .help = "Any number of processes may run the same role: they share its shards.",
            .arguments = {{.name = "role",
                           .help = "which services to run, or `all`",
                           .required = true,
                           .repeated = true}},
            .sections = {"*"},
            .examples = {{"dropline-worker all --kafka-brokers 127.0.0.1:9092",
                          "every service in one process"},
                         {"dropline-worker stock payments", "these two, beside others' processes"},
                         {"dropline-worker audit", "the auditor alone; `all` brings it too"}},
            .run = apps::work});
  line.default_command("work");
  return line.run(argc, argv);
}
