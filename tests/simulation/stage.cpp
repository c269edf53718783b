#include "stage.hpp"

#include <unistd.h>
#include <atomic>
#include <fstream>
#include <sstream>

#include "dropline/contracts/topics.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "services.hpp"
#include "simulation_migrations.hpp"

namespace dropline::simulation {
namespace {

/// On a file system in memory where there is one: several connections must see the same rows.
std::filesystem::path new_folder() {
  static std::atomic<int> count{0};
  std::error_code ignored;
  const std::filesystem::path memory("/dev/shm");
  const auto root =
      std::filesystem::is_directory(memory, ignored) && access(memory.c_str(), W_OK) == 0
          ? memory
          : std::filesystem::temp_directory_path();
  auto folder =
      root / ("dropline-simulation-" + std::to_string(getpid()) + "-" + std::to_string(count++));
  std::filesystem::create_directories(folder);
  return folder;
}

void prepare(const std::filesystem::path& file) {
  const ManualClock clock;
  const auto database = store::Database::parse("sqlite:" + file.string(), clock).value();
  auto session = database.open().value();
  const auto migrations = store::parse_migrations(embedded::simulation_migrations()).value();
  for (const auto& service : services())
    store::migrate(session, service.name, migrations).value();
  stream::SqliteOptions options;
  options.file = file;
  options.clock = &clock;
  const auto log = stream::SqliteStream::attach(session.native(), options).value();
  log->ensure_topics_now(contracts::topic_specs(kPartitions, "")).value();
}

/// The bytes of a database with every service's empty tables and an empty log, made once.
const std::string& empty_database() {
  static const std::string bytes = [] {
    const auto folder = new_folder();
    const auto file = folder / "dropline.db";
    prepare(file);
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    std::filesystem::remove_all(folder);
    return out.str();
  }();
  return bytes;
}

store::Database make_database(const std::filesystem::path& file, const Clock& clock) {
  std::ofstream(file, std::ios::binary) << empty_database();
  return store::Database::parse("sqlite:" + file.string(), clock).value();
}

}  // namespace

Stage::Stage(const Plan& given, const Bug* planted)
    : plan(given),
      bug(planted),
      schedule(given.seed * 4 + 1),
      spans(given.seed * 4 + 2),
      folder_(new_folder()),
      database(make_database(file(), clock)) {
  keys.add("1", "a secret of sixteen bytes").value();
  constexpr std::size_t kBatches[] = {1, 3, 20, 2'000};
  batch = kBatches[schedule.below(4)];
  rarity_ = 1 + schedule.below(4);
  if (bug != nullptr && !bug->sql.empty()) session().execute("plant", bug->sql).value();
}

Stage::~Stage() {
  session_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

store::Session& Stage::session() {
  if (!session_) session_ = database.open().value();
  return *session_;
}

bool Stage::chance(Mishap mishap, std::uint64_t one_in) {
  const std::string point = "mishap " + std::string(name_of(mishap));
  coverage.passed(point);
  const bool struck = schedule.below(one_in * rarity_) == 0;
  if (!struck || lull() || !plan.allows(mishap)) return false;
  coverage.hit(point);
  return true;
}

}  // namespace dropline::simulation
