#include "world.hpp"

#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>

#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"
#include "simulation_migrations.hpp"

namespace dropline::simulation {

using namespace std::chrono_literals;

namespace {

constexpr int kMaxQuietTurns = 600;
constexpr int kMinQuietTurns = 70;  ///< longer than delays and sessions last
constexpr auto kQuietStep = 100ms;

std::filesystem::path new_folder() {
  static std::atomic<int> count{0};
  std::error_code ignored;
  const std::filesystem::path memory("/dev/shm");
  const auto root =
      std::filesystem::is_directory(memory, ignored) && access(memory.c_str(), W_OK) == 0
          ? memory
          : std::filesystem::temp_directory_path();
  const auto folder =
      root / ("dropline-simulation-" + std::to_string(getpid()) + "-" + std::to_string(count++));
  std::filesystem::create_directories(folder);
  return folder;
}

/// The bytes of a database with stock's empty tables, made once.
const std::string& empty_database() {
  static const std::string bytes = [] {
    const auto folder = new_folder();
    const ManualClock clock;
    const auto file = folder / "stock.db";
    {
      const auto database = store::Database::parse("sqlite:" + file.string(), clock).value();
      auto session = database.open().value();
      const auto set = store::parse_migrations(embedded::simulation_migrations()).value();
      store::migrate(session, "stock", set).value();
    }
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    std::filesystem::remove_all(folder);
    return out.str();
  }();
  return bytes;
}

store::Database make_database(const std::filesystem::path& folder, const Clock& clock) {
  const auto file = folder / "stock.db";
  std::ofstream(file, std::ios::binary) << empty_database();
  return store::Database::parse("sqlite:" + file.string(), clock).value();
}

}  // namespace

struct World::Process {
  Process(World& world, std::string called)
      : name(std::move(called)),
        faults(world.schedule_.next(), world.plan_, world.coverage_),
        stream(world.log_,
               {.gapless = true,
                .fate = [this](const stream::Draft& draft) { return faults.fate(draft); }}),
        service(world.bug_ && world.bug_->service
                    ? world.bug_->service(std::make_unique<stock::StockWorker>())
                    : std::make_unique<stock::StockWorker>()) {
    faults.on_crash = [this] { stream.kill(); };
    if (world.bug_ && world.bug_->stream) crooked = world.bug_->stream(stream);
    worker::Worker::Parts parts{.service = *service,
                                .database = world.database_,
                                .stream = crooked ? *crooked : stream,
                                .clock = world.clock_,
                                .random = world.spans_,
                                .keys = world.keys_,
                                .member = name,
                                .session = {.faults = &faults}};
    parts.loop.partitions = kPartitions;
    parts.loop.max_records = world.batch_;
    worker = worker::Worker::start(std::move(parts)).value();
  }

  std::string name;
  ProcessFaults faults;
  stream::MemoryStream stream;
  std::unique_ptr<stream::Stream> crooked;
  std::unique_ptr<worker::Service> service;
  std::unique_ptr<worker::Worker> worker;
  int asleep_until = 0;
  int cut_until = 0;
  bool cut = false;
};

World::World(const Plan& plan, const Bug* bug)
    : plan_(plan),
      bug_(bug),
      schedule_(plan.seed * 4 + 1),
      spans_(plan.seed * 4 + 2),
      log_(std::make_shared<stream::MemoryLog>(
          stream::MemoryLogOptions{.clock = &clock_, .threads = false})),
      outside_(log_),
      folder_(new_folder()),
      database_(make_database(folder_, clock_)),
      session_(database_.open().value()) {
  static_cast<void>(keys_.add("1", "a secret of sixteen bytes"));
  outside_.admin(1s).value()->ensure_topics(contracts::topic_specs(kPartitions, "")).value();
  if (bug_ && bug_->sql) session_.execute("plant", bug_->sql).value();
  if (bug_ && bug_->sabotage) sabotage_ = bug_->sabotage();
  traffic_ = std::make_unique<Traffic>(plan.seed * 4 + 3, plan_, clock_, log_, keys_, coverage_);
  wanted_ = 1 + schedule_.below(3);
  constexpr std::size_t kBatches[] = {1, 3, 20, 2'000};
  batch_ = kBatches[schedule_.below(4)];
  rate_ = 1 + schedule_.below(4);
}

World::~World() {
  processes_.clear();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void World::start_process() {
  processes_.push_back(std::make_unique<Process>(*this, "w" + std::to_string(born_++)));
}

bool World::chance(Mishap mishap, std::uint64_t one_in) {
  const std::string point = "mishap " + std::string(name_of(mishap));
  coverage_.passed(point);
  const bool struck = schedule_.below(one_in * rate_) == 0;
  if (!struck || !plan_.allows(mishap)) return false;
  coverage_.hit(point);
  return true;
}

World::Process* World::somebody() {
  return processes_.empty() ? nullptr : processes_[schedule_.below(processes_.size())].get();
}

/// What befalls processes and clocks between two turns.
void World::mishap() {
  if (auto* process = somebody(); process && chance(Mishap::kill, 40)) process->faults.crash();
  if (auto* process = somebody(); process && chance(Mishap::leave, 40)) {
    process->worker->drain(0ms);
    process->faults.crash();
  }
  if (auto* process = somebody(); process && chance(Mishap::expel, 30))
    log_->groups().expel("stock", process->name);
  if (auto* process = somebody(); process && chance(Mishap::pause, 30)) {
    process->asleep_until = turn_ + static_cast<int>(2 + schedule_.below(20));
    if (schedule_.below(2) == 0) clock_.advance(7s);
  }
  if (auto* process = somebody(); process && !process->cut && chance(Mishap::cut, 30)) {
    process->cut = true;
    process->cut_until = turn_ + static_cast<int>(1 + schedule_.below(20));
    process->stream.cut_off(true);
  }
  if (chance(Mishap::clock, 25)) {
    const auto by = std::chrono::milliseconds(schedule_.below(6'000));
    schedule_.below(2) == 0 ? clock_.jump(by) : clock_.jump(-by);
  }
}

void World::bury_the_dead() {
  std::erase_if(processes_, [](const auto& process) { return process->faults.crashed(); });
}

void World::step(Process& process) {
  if (process.cut && process.cut_until <= turn_) {
    process.cut = false;
    process.stream.cut_off(false);
  }
  if (process.asleep_until > turn_ || process.faults.crashed()) return;
  process.worker->step(0ms);
  if (schedule_.below(3) != 0) process.stream.pump();
}

void World::turn() {
  for (auto acts = schedule_.below(4); acts > 0; --acts)
    traffic_->act();
  mishap();
  bury_the_dead();
  if (processes_.size() < wanted_ && schedule_.below(3) == 0) start_process();
  traffic_->pump();
  const auto first = processes_.empty() ? 0 : schedule_.below(processes_.size());
  for (std::size_t i = 0; i < processes_.size(); ++i)
    step(*processes_[(first + i) % processes_.size()]);
  if (sabotage_) sabotage_->turn(session_);
  clock_.advance(std::chrono::milliseconds(schedule_.below(250)));
  ++turn_;
}

bool World::at_rest() {
  if (!traffic_->idle()) return false;
  for (const auto& process : processes_)
    if (process->worker->backlog() > 0) return false;
  const auto left = store::query(session_, {"left", "stock", "SELECT count(*) FROM {outbox}"}, {},
                                 {store::Type::int64});
  if (!left || left->front().int64(0) != 0) return false;
  auto consumer = outside_.consumer().value();
  std::vector<stream::TopicPartition> asked;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    asked.push_back({std::string(contracts::topic::kOrdersCommands), p});
  const auto extents = consumer->extents(asked, 1s).value();
  const auto rows =
      store::query(session_, {"read", "stock", "SELECT shard, positions FROM {shards}"}, {},
                   {store::Type::int64, store::Type::text});
  if (!rows || rows->size() != kPartitions) return false;
  for (const auto row : *rows) {
    const auto positions = worker::parse_positions(row.text(1));
    if (!positions) return false;
    const auto at = positions->find(contracts::topic::kOrdersCommands);
    const auto next = at == positions->end() ? 0 : at->second.next;
    if (next != extents[static_cast<std::size_t>(row.int64(0))].end) return false;
  }
  return true;
}

/// Nothing goes wrong any more: all must come to rest by itself.
bool World::rest(int& turns) {
  traffic_->heal();
  for (auto& process : processes_) {
    process->faults.heal();
    process->asleep_until = 0;
    process->cut_until = 0;
  }
  bury_the_dead();
  if (processes_.empty()) start_process();
  processes_.back()->faults.heal();
  for (turns = 0; turns < kMaxQuietTurns; ++turns) {
    ++turn_;
    traffic_->pump();
    for (auto& process : processes_) {
      process->faults.heal();
      step(*process);
      process->stream.pump();
    }
    clock_.advance(kQuietStep);
    if (turns >= kMinQuietTurns && at_rest()) return true;
  }
  return false;
}

Outcome World::run() {
  Outcome outcome;
  for (int i = 0; i < plan_.turns; ++i)
    turn();
  const bool rested = rest(outcome.quiet_turns);
  outcome.verdict = judge_cluster(outside_, session_, keys_, traffic_->acknowledged());
  if (!rested) {
    std::string why = "it does not come to rest:";
    for (const auto& process : processes_)
      why += ' ' + process->name + ": " + process->worker->health() + ';';
    outcome.verdict.violations.insert(outcome.verdict.violations.begin(), std::move(why));
  }
  outcome.coverage = coverage_;
  return outcome;
}

}  // namespace dropline::simulation
