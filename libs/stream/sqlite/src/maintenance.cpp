#include "maintenance.hpp"

#include <string>
#include <unordered_map>
#include <utility>

namespace dropline::stream::sqlite {

Maintenance::Maintenance(const Database& database, LogWriter& writer, const SqliteOptions& options,
                         const Clock& clock)
    : database_(database),
      writer_(writer),
      options_(options),
      clock_(clock),
      next_look_(clock.steady()) {}

bool Maintenance::step() {
  if (!looking_) {
    if (clock_.steady() < next_look_) return false;
    next_look_ = clock_.steady() + options_.maintenance_interval;
    looking_ = true;
    slot_ = 0;
    compact_to_ = -1;
  }
  const auto logs = writer_.logs();
  while (slot_ < logs.size()) {
    WriterLog& log = *logs[slot_];
    if (!log.gone && work_on(log)) return true;
    ++slot_;
    compact_to_ = -1;
  }
  looking_ = false;
  return false;
}

Maintenance::Removed Maintenance::take_removed() {
  return std::exchange(removed_, Removed{});
}

void Maintenance::rolled_back() {
  removed_ = Removed{};
  compact_to_ = -1;
}

bool Maintenance::work_on(WriterLog& log) {
  if (log.cleanup == Cleanup::compact) return compact(log) || bury(log);
  return log.retention.has_value() && expire(log);
}

bool Maintenance::expire(WriterLog& log) {
  if (log.state.start == log.state.next) return false;
  const std::int64_t oldest_kept = writer_.now_ms() - log.retention->count();
  // Append times never go back within a log, so the expired are a prefix of it.
  const auto rows = database_.prepare("SELECT \"offset\", append_time FROM " + log.log->table() +
                                      " ORDER BY \"offset\" LIMIT ?1");
  rows.bind(1, static_cast<std::int64_t>(options_.maintenance_records));
  std::int64_t kept_from = log.state.start;
  std::size_t seen = 0;
  bool all_expired = true;
  while (all_expired && database_.step(rows)) {
    ++seen;
    all_expired = rows.integer(1) < oldest_kept;
    if (all_expired) kept_from = rows.integer(0) + 1;
  }
  sqlite3_reset(rows.raw());
  if (kept_from == log.state.start) return false;
  writer_.touch(log);
  database_.execute("DELETE FROM " + log.log->table() + " WHERE \"offset\" < " +
                    std::to_string(kept_from));
  removed_.expired += static_cast<std::uint64_t>(sqlite3_changes64(database_.raw()));
  log.state.start = kept_from;
  save_state(database_, log.log->id, log.state);
  return all_expired && seen == options_.maintenance_records;
}

bool Maintenance::compact(WriterLog& log) {
  if (compact_to_ < 0) {
    if (log.state.next - log.state.clean < options_.compact_after_records) return false;
    compact_to_ = log.state.next;
  }
  if (log.state.clean >= compact_to_) return false;
  writer_.touch(log);
  remove_older_copies(log, compact_to_);
  save_state(database_, log.log->id, log.state);
  return true;
}

void Maintenance::remove_older_copies(WriterLog& log, std::int64_t up_to) {
  const auto rows =
      database_.prepare("SELECT \"offset\", key FROM " + log.log->table() +
                        " WHERE \"offset\" >= ?1 AND \"offset\" < ?2 ORDER BY \"offset\" LIMIT ?3");
  rows.bind(1, log.state.clean);
  rows.bind(2, up_to);
  rows.bind(3, static_cast<std::int64_t>(options_.maintenance_records));
  std::unordered_map<std::string, std::int64_t> last_of;
  std::size_t seen = 0;
  std::int64_t reached = log.state.clean;
  while (database_.step(rows)) {
    ++seen;
    reached = rows.integer(0) + 1;
    last_of[std::string(rows.bytes(1))] = rows.integer(0);
  }
  sqlite3_reset(rows.raw());
  const auto remove =
      database_.prepare("DELETE FROM " + log.log->table() + " WHERE key = ?1 AND \"offset\" < ?2");
  for (const auto& [key, last] : last_of) {
    remove.bind_blob(1, key);
    remove.bind(2, last);
    database_.run(remove);
    removed_.compacted += static_cast<std::uint64_t>(sqlite3_changes64(database_.raw()));
  }
  log.state.clean = seen < options_.maintenance_records ? up_to : reached;
}

bool Maintenance::bury(WriterLog& log) {
  // Below the clean point a tombstone has done its work: no older copy of its key is left.
  const auto remove = database_.prepare(
      "DELETE FROM " + log.log->table() + " WHERE \"offset\" IN (SELECT \"offset\" FROM " +
      log.log->table() + " WHERE value IS NULL AND append_time < ?1 AND \"offset\" < ?2 LIMIT ?3)");
  remove.bind(1, writer_.now_ms() - options_.tombstone_retention.count());
  remove.bind(2, log.state.clean);
  remove.bind(3, static_cast<std::int64_t>(options_.maintenance_records));
  database_.run(remove);
  const auto removed = static_cast<std::uint64_t>(sqlite3_changes64(database_.raw()));
  if (removed == 0) return false;
  writer_.touch(log);
  removed_.compacted += removed;
  save_state(database_, log.log->id, log.state);
  return removed == options_.maintenance_records;
}

}  // namespace dropline::stream::sqlite
