#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalogue.hpp"
#include "database.hpp"

// The tables of the log and the questions asked of them; FORMAT.md is their description.
// All throw ErrorException.
namespace dropline::stream::sqlite {

/// Makes the tables that are missing; refuses a file of another format. Inside a transaction.
void prepare_format(const Database& database);
/// Refuses a file that holds no log, or one of another format.
void check_format(const Database& database);

/// A log's row joined with what its table says. `next` is where the next record goes.
struct LogState {
  std::int64_t start = 0;
  std::int64_t next = 0;
  std::int64_t last_time_ms = 0;
  std::int64_t clean = 0;  ///< every record below is compacted
};

struct LogRow {
  std::int64_t id = 0;
  std::int32_t partition = 0;
};

struct TopicRow {
  std::int64_t id = 0;
  TopicSpec spec;
  std::vector<LogRow> logs;  ///< by partition
};

[[nodiscard]] std::vector<TopicRow> load_topics(const Database& database);

/// What `stream_logs` says of every log, by id; lower bounds, see FORMAT.md.
[[nodiscard]] std::unordered_map<std::int64_t, LogState> load_rows(const Database& database);

/// Nullopt where the log does not exist (any more).
[[nodiscard]] std::optional<LogState> load_state(const Database& database, std::int64_t log);

/// Writes down what cannot be derived once records were removed.
void save_state(const Database& database, std::int64_t log, const LogState& state);

/// Errc::bad_config where the spec makes no sense.
void create_topic(const Database& database, const TopicSpec& spec);
void remove_topic(const Database& database, const Topic& topic);

}  // namespace dropline::stream::sqlite
