#include "log_reader.hpp"

#include <cstring>

#include "record_codec.hpp"
#include "schema.hpp"

namespace dropline::stream::sqlite {

std::string_view BatchBuilder::keep(std::string_view bytes) {
  if (bytes.empty()) return "";
  auto* place = static_cast<char*>(memory_->arena.allocate(bytes.size(), 1));
  std::memcpy(place, bytes.data(), bytes.size());
  return {place, bytes.size()};
}

Error position_lost(const Log& log, std::int64_t position, const Extent& extent) {
  return error(Errc::position_lost, log.name() + " holds offsets " + std::to_string(extent.start) +
                                        " to " + std::to_string(extent.end) +
                                        " (exclusive), not position " + std::to_string(position));
}

Error removed(const Log& log) {
  return error(Errc::unknown_topic, "topic " + log.topic + " was removed");
}

const Statement& LogReader::query_for(const Log& log) {
  const auto found = queries_.find(log.id);
  if (found != queries_.end()) return found->second;
  if (queries_.size() >= kMaxQueries) queries_.clear();
  return queries_
      .emplace(log.id, database_.prepare(
                           "SELECT \"offset\", append_time, key, value, headers, checksum FROM " +
                           log.table() + " WHERE \"offset\" >= ?1 ORDER BY \"offset\" LIMIT ?2"))
      .first->second;
}

Extent LogReader::extent(const Log& log) {
  const auto state = load_state(database_, log.id);
  if (!state) throw ErrorException(removed(log));
  return {state->start, state->next};
}

void LogReader::check_gap(const Log& log, std::int64_t from, std::int64_t to) const {
  if (log.compacted || from == to) return;
  throw ErrorException(
      corrupt_error(database_.file(), "records " + std::to_string(from) + " to " +
                                          std::to_string(to) + " (exclusive) of " + log.name() +
                                          " are gone, and nobody has removed them"));
}

std::int64_t LogReader::end_beyond(const Log& log, std::int64_t from) {
  const Extent found = extent(log);
  if (from < found.start) throw ErrorException(position_lost(log, from, found));
  return found.end;
}

void LogReader::add(const Log& log, const Statement& rows, BatchBuilder& into, Reading& reading) {
  Row row{rows.integer(0), rows.integer(1), rows.bytes(2), std::nullopt, rows.bytes(4)};
  if (!rows.null(3)) row.value = rows.bytes(3);
  const bool intact = static_cast<std::int64_t>(checksum_of(log.id, row)) == rows.integer(5);
  const auto headers =
      intact ? decode_headers(into.keep(row.headers), into.resource()) : std::nullopt;
  if (!headers) {
    throw ErrorException(corrupt_error(database_.file(), "record " + std::to_string(row.offset) +
                                                             " of " + log.name() + " is damaged"));
  }
  Record& record = into.records.emplace_back();
  record.topic = log.topic;
  record.partition = log.partition;
  record.offset = row.offset;
  record.append_time = from_unix_ms(row.append_time_ms);
  record.key = into.keep(row.key);
  if (row.value) record.value = into.keep(*row.value);
  record.headers = *headers;
  ++reading.records;
  reading.bytes += row.key.size() + row.headers.size() + (row.value ? row.value->size() : 0);
  reading.next = row.offset + 1;
}

void LogReader::read_rows(const Log& log, std::int64_t from, std::size_t max, std::size_t max_bytes,
                          BatchBuilder& into, Reading& reading) {
  const Statement& rows = query_for(log);
  const Use use(rows);
  rows.bind(1, from);
  rows.bind(2, static_cast<std::int64_t>(max));
  while (reading.bytes < max_bytes && database_.step(rows)) {
    // A gap is what compaction or retention leaves, or damage: a page that is skipped.
    if (reading.records == 0 && rows.integer(0) != from) end_beyond(log, from);
    check_gap(log, reading.next, rows.integer(0));
    add(log, rows, into, reading);
  }
}

void LogReader::read(const std::shared_ptr<Log>& log, std::int64_t from, std::size_t max,
                     std::size_t max_bytes, BatchBuilder& into, Reading& reading) {
  reading = Reading{from, 0, 0};
  into.keep(std::shared_ptr<const Log>(log));
  try {
    read_rows(*log, from, max, max_bytes, into, reading);
    // The last records may have been compacted away: the position moves over where they were.
    if (reading.records == 0) {
      const std::int64_t end = end_beyond(*log, from);
      check_gap(*log, from, end);
      reading.next = end;
    }
  } catch (const ErrorException&) {
    if (!load_state(database_, log->id)) throw ErrorException(removed(*log));
    throw;
  }
}

}  // namespace dropline::stream::sqlite
