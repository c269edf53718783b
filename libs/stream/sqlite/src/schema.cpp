#include "schema.hpp"

#include <algorithm>

#include "dropline/stream/sqlite/sqlite_stream.hpp"

namespace dropline::stream::sqlite {
namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS stream_meta (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream_topics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  partitions INTEGER NOT NULL,
  cleanup TEXT NOT NULL,
  retention_ms INTEGER,
  append_time INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS stream_logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic_id INTEGER NOT NULL REFERENCES stream_topics (id),
  partition INTEGER NOT NULL,
  start_offset INTEGER NOT NULL DEFAULT 0,
  next_offset INTEGER NOT NULL DEFAULT 0,
  last_time INTEGER NOT NULL DEFAULT 0,
  clean_offset INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic_id, partition)
);
)sql";

constexpr std::int32_t kMaxPartitions = 1024;
constexpr std::size_t kMaxTopicName = 249;  // as Kafka's

bool table_exists(const Database& database, const std::string& name) {
  return database
      .query_integer("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '" + name + "'")
      .has_value();
}

void check_spec(const TopicSpec& spec) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  const bool named = !spec.name.empty() && spec.name.size() <= kMaxTopicName && spec.name != "." &&
                     spec.name != ".." && std::all_of(spec.name.begin(), spec.name.end(), allowed);
  if (!named) {
    throw ErrorException(error(Errc::bad_config, "'" + spec.name +
                                                     "' is no topic name: 1 to 249 of "
                                                     "A-Z a-z 0-9 . _ -"));
  }
  if (spec.partitions < 1 || spec.partitions > kMaxPartitions) {
    throw ErrorException(error(
        Errc::bad_config, "topic " + spec.name + " cannot have " + std::to_string(spec.partitions) +
                              " partitions: 1 to " + std::to_string(kMaxPartitions)));
  }
}

void create_log(const Database& database, std::int64_t topic, std::int32_t partition,
                Cleanup cleanup) {
  database.execute("INSERT INTO stream_logs (topic_id, partition) VALUES (" +
                   std::to_string(topic) + ", " + std::to_string(partition) + ")");
  const auto id = std::to_string(sqlite3_last_insert_rowid(database.raw()));
  const std::string table = "stream_log_" + id;
  database.execute("CREATE TABLE " + table +
                   " (\"offset\" INTEGER PRIMARY KEY, append_time INTEGER NOT NULL, "
                   "key BLOB NOT NULL, value BLOB, headers BLOB NOT NULL, "
                   "checksum INTEGER NOT NULL)");
  if (cleanup != Cleanup::compact) return;
  database.execute("CREATE INDEX " + table + "_key ON " + table + " (key)");
  database.execute("CREATE INDEX " + table + "_dead ON " + table +
                   " (append_time) WHERE value IS NULL");
}

}  // namespace

void check_format(const Database& database) {
  if (!table_exists(database, "stream_meta")) {
    throw ErrorException(
        error(Errc::failed, database.file().string() + " holds no log; is it the right file?"));
  }
  const auto found =
      database.query_integer("SELECT value FROM stream_meta WHERE name = 'format'").value_or(0);
  if (found == SqliteStream::kFormatVersion) return;
  throw ErrorException(error(Errc::corrupt, "the log file " + database.file().string() +
                                                " has format " + std::to_string(found) +
                                                ", this program knows format " +
                                                std::to_string(SqliteStream::kFormatVersion) +
                                                "; use the version of dropline that wrote it"));
}

void prepare_format(const Database& database) {
  if (!table_exists(database, "stream_meta")) {
    database.execute(kTables);
    database.execute("INSERT INTO stream_meta (name, value) VALUES ('format', " +
                     std::to_string(SqliteStream::kFormatVersion) + ")");
  }
  check_format(database);
}

std::vector<TopicRow> load_topics(const Database& database) {
  std::vector<TopicRow> topics;
  const auto query = database.prepare(
      "SELECT t.id, t.name, t.partitions, t.cleanup, t.retention_ms, t.append_time, l.id, "
      "l.partition FROM stream_topics t JOIN stream_logs l ON l.topic_id = t.id "
      "ORDER BY t.name, l.partition");
  while (database.step(query)) {
    if (topics.empty() || topics.back().id != query.integer(0)) {
      TopicRow& topic = topics.emplace_back();
      topic.id = query.integer(0);
      topic.spec.name = query.bytes(1);
      topic.spec.partitions = static_cast<std::int32_t>(query.integer(2));
      topic.spec.cleanup = query.bytes(3) == "compact" ? Cleanup::compact : Cleanup::retain;
      if (!query.null(4)) topic.spec.retention = std::chrono::milliseconds(query.integer(4));
      topic.spec.append_time = query.integer(5) != 0;
    }
    topics.back().logs.push_back({query.integer(6), static_cast<std::int32_t>(query.integer(7))});
  }
  for (const auto& topic : topics) {
    if (topic.logs.size() == static_cast<std::size_t>(topic.spec.partitions)) continue;
    throw ErrorException(corrupt_error(
        database.file(), "topic " + topic.spec.name + " lacks partitions of its own"));
  }
  return topics;
}

std::unordered_map<std::int64_t, LogState> load_rows(const Database& database) {
  std::unordered_map<std::int64_t, LogState> states;
  const auto rows = database.prepare(
      "SELECT id, start_offset, next_offset, last_time, clean_offset FROM stream_logs");
  while (database.step(rows)) {
    states[rows.integer(0)] = {rows.integer(1), rows.integer(2), rows.integer(3), rows.integer(4)};
  }
  return states;
}

std::optional<LogState> load_state(const Database& database, std::int64_t log) {
  const auto row = database.prepare(
      "SELECT start_offset, next_offset, last_time, clean_offset FROM stream_logs WHERE id = " +
      std::to_string(log));
  if (!database.step(row)) return std::nullopt;
  LogState state{row.integer(0), row.integer(1), row.integer(2), row.integer(3)};
  const auto last = database.prepare("SELECT \"offset\", append_time FROM stream_log_" +
                                     std::to_string(log) + " ORDER BY \"offset\" DESC LIMIT 1");
  if (database.step(last)) {
    state.next = std::max(state.next, last.integer(0) + 1);
    state.last_time_ms = std::max(state.last_time_ms, last.integer(1));
  }
  return state;
}

void save_state(const Database& database, std::int64_t log, const LogState& state) {
  database.execute("UPDATE stream_logs SET start_offset = " + std::to_string(state.start) +
                   ", next_offset = " + std::to_string(state.next) +
                   ", last_time = " + std::to_string(state.last_time_ms) + ", clean_offset = " +
                   std::to_string(state.clean) + " WHERE id = " + std::to_string(log));
}

void create_topic(const Database& database, const TopicSpec& spec) {
  check_spec(spec);
  const auto insert = database.prepare(
      "INSERT INTO stream_topics (name, partitions, cleanup, retention_ms, append_time) "
      "VALUES (?1, ?2, ?3, ?4, ?5)");
  insert.bind_text(1, spec.name);
  insert.bind(2, spec.partitions);
  insert.bind_text(3, spec.cleanup == Cleanup::compact ? "compact" : "retain");
  if (spec.retention) insert.bind(4, spec.retention->count());
  insert.bind(5, spec.append_time ? 1 : 0);
  database.run(insert);
  const std::int64_t topic = sqlite3_last_insert_rowid(database.raw());
  for (std::int32_t partition = 0; partition < spec.partitions; ++partition) {
    create_log(database, topic, partition, spec.cleanup);
  }
}

void remove_topic(const Database& database, const Topic& topic) {
  for (const auto& log : topic.logs)
    database.execute("DROP TABLE " + log->table());
  const auto id = std::to_string(topic.id);
  database.execute("DELETE FROM stream_logs WHERE topic_id = " + id);
  database.execute("DELETE FROM stream_topics WHERE id = " + id);
}

}  // namespace dropline::stream::sqlite
