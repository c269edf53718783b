#include "log_writer.hpp"

#include <algorithm>

#include "dropline/stream/partitioner.hpp"

namespace dropline::stream::sqlite {
namespace {

Error unknown_topic(std::string_view topic) {
  return error(Errc::unknown_topic, "there is no topic " + std::string(topic));
}

Error bad_partition(std::string_view topic, std::int32_t partition, std::int32_t count) {
  return error(Errc::bad_partition, "topic " + std::string(topic) + " has partitions 0 to " +
                                        std::to_string(count - 1) + ", not " +
                                        std::to_string(partition));
}

}  // namespace

Catalogue LogRegistry::build(const std::vector<TopicRow>& rows) {
  Catalogue catalogue;
  for (const auto& row : rows) {
    Topic topic{row.id, row.spec, {}};
    for (const auto& log : row.logs) {
      auto& known = logs_[log.id];
      // A number given out in a transaction that was undone is given out again.
      if (!known || known->topic != row.spec.name || known->partition != log.partition) {
        known = std::make_shared<Log>(log.id, next_slot_++, row.spec, log.partition);
      }
      topic.logs.push_back(known);
    }
    catalogue.emplace(row.spec.name, std::move(topic));
  }
  return catalogue;
}

LogWriter::LogWriter(const Database& database, const Clock& clock)
    : database_(database), clock_(clock) {
  reload_catalogue();
  // Nobody reads yet, so what the file holds is what was committed.
  for (const auto& each : logs_) {
    each->log->start = each->state.start;
    each->log->end = each->state.next;
  }
}

void LogWriter::reload_catalogue() {
  catalogue_ = std::make_shared<const Catalogue>(registry_.build(load_topics(database_)));
  std::vector<bool> present(logs_.size());
  for (const auto& [name, topic] : *catalogue_) {
    for (const auto& log : topic.logs) {
      if (logs_.size() <= log->slot) {
        logs_.resize(log->slot + 1);
        present.resize(log->slot + 1);
      }
      present[log->slot] = true;
      auto& known = logs_[log->slot];
      if (known && !known->gone) continue;
      known = std::make_unique<WriterLog>();
      known->log = log;
      known->cleanup = topic.spec.cleanup;
      known->retention = topic.spec.retention;
      known->state = load_state(database_, log->id).value_or(LogState{});
    }
  }
  for (std::size_t slot = 0; slot < logs_.size(); ++slot)
    logs_[slot]->gone = !present[slot];
}

void LogWriter::catalogue_changed() {
  catalogue_changed_ = true;
  reload_catalogue();
}

WriterLog* LogWriter::find(std::string_view topic, std::int32_t partition) {
  const auto found = catalogue_->find(topic);
  if (found == catalogue_->end() || partition < 0 || partition >= found->second.spec.partitions) {
    return nullptr;
  }
  return &at(*found->second.logs[static_cast<std::size_t>(partition)]);
}

WriterLog& LogWriter::target_of(const Draft& draft) {
  const auto found = catalogue_->find(draft.topic);
  if (found == catalogue_->end()) throw ErrorException(unknown_topic(draft.topic));
  const std::int32_t count = found->second.spec.partitions;
  const std::int32_t partition =
      draft.partition ? *draft.partition : partition_of(draft.key, count);
  if (partition < 0 || partition >= count) {
    throw ErrorException(bad_partition(draft.topic, partition, count));
  }
  return at(*found->second.logs[static_cast<std::size_t>(partition)]);
}

Status LogWriter::append(std::span<const Draft> drafts, std::vector<Place>* placed) {
  return guarded([&] {
    const std::int64_t now = now_ms();
    for (const auto& draft : drafts) {
      if (const auto checked = check(draft); !checked) {
        throw ErrorException(checked.error());
      }
      WriterLog& log = target_of(draft);
      headers_.clear();
      encode_headers(draft.headers, headers_);
      Row row;
      row.key = draft.key;
      row.value = draft.value;
      row.headers = headers_;
      insert(log, now, row);
      if (placed != nullptr) placed->push_back({log.log->partition, row.offset});
    }
  });
}

void LogWriter::insert(WriterLog& log, std::int64_t now_ms, Row& row) {
  touch(log);
  if (!log.insert) {
    log.insert =
        database_.prepare("INSERT INTO " + log.log->table() + " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  }
  row.offset = log.state.next;
  row.append_time_ms = std::max(now_ms, log.state.last_time_ms);
  const Statement& statement = log.insert;
  statement.bind(1, row.offset);
  statement.bind(2, row.append_time_ms);
  statement.bind_blob(3, row.key);
  if (row.value) {
    statement.bind_blob(4, *row.value);
  } else {
    statement.bind_null(4);
  }
  statement.bind_blob(5, row.headers);
  statement.bind(6, checksum_of(log.log->id, row));
  database_.run(statement);
  log.state.next = row.offset + 1;
  log.state.last_time_ms = row.append_time_ms;
}

void LogWriter::ensure_topics(std::span<const TopicSpec> topics) {
  for (const auto& spec : topics) {
    const auto found = catalogue_->find(spec.name);
    if (found == catalogue_->end()) {
      create_topic(database_, spec);
      catalogue_changed();
    } else if (found->second.spec.partitions != spec.partitions) {
      throw ErrorException(
          error(Errc::wrong_partition_count,
                "topic " + spec.name + " has " + std::to_string(found->second.spec.partitions) +
                    " partitions in " + database_.file().string() + ", " +
                    std::to_string(spec.partitions) +
                    " are configured; set the number that it has, or start with a new file"));
    }
  }
}

void LogWriter::remove_topics(std::span<const std::string> topics) {
  for (const auto& name : topics) {
    const auto found = catalogue_->find(name);
    if (found == catalogue_->end()) throw ErrorException(unknown_topic(name));
    for (const auto& log : found->second.logs)
      touch(at(*log));
    remove_topic(database_, found->second);
    catalogue_changed();
  }
}

void LogWriter::truncate(const TopicPartition& where, std::int64_t offset) {
  WriterLog* log = find(where.topic, where.partition);
  if (log == nullptr) {
    const auto topic = catalogue_->find(where.topic);
    if (topic == catalogue_->end()) throw ErrorException(unknown_topic(where.topic));
    throw ErrorException(
        bad_partition(where.topic, where.partition, topic->second.spec.partitions));
  }
  if (offset > log->state.next) {
    throw ErrorException(error(Errc::position_lost, log->log->name() + " ends at offset " +
                                                        std::to_string(log->state.next) +
                                                        ", it has no " + std::to_string(offset)));
  }
  if (offset <= log->state.start) return;
  touch(*log);
  database_.execute("DELETE FROM " + log->log->table() + " WHERE \"offset\" < " +
                    std::to_string(offset));
  log->state.start = offset;
  log->state.clean = std::max(log->state.clean, offset);
  save_state(database_, log->log->id, log->state);
}

void LogWriter::touch(WriterLog& log) {
  if (log.touched_in == generation_) return;
  log.touched_in = generation_;
  touched_.push_back(log.log->slot);
}

std::size_t LogWriter::mark() const {
  // What is touched from here on is noted again, so that it can be undone from here on.
  ++generation_;
  touched_.push_back(kMark);
  return touched_.size() - 1;
}

void LogWriter::rolled_back_to(std::size_t mark) {
  if (mark > touched_.size()) return;
  ++generation_;
  if (catalogue_changed_) reload_catalogue();
  for (std::size_t i = mark; i < touched_.size(); ++i) {
    if (touched_[i] == kMark) continue;
    WriterLog& log = *logs_[touched_[i]];
    if (log.gone) continue;
    if (const auto state = load_state(database_, log.log->id)) log.state = *state;
  }
  touched_.resize(mark);
}

void LogWriter::rolled_back() {
  rolled_back_to(0);
  catalogue_changed_ = false;
}

LogWriter::Published LogWriter::publish() {
  Published published;
  ++generation_;
  std::sort(touched_.begin(), touched_.end());
  touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
  for (const std::size_t slot : touched_) {
    if (slot == kMark) continue;
    WriterLog& each = *logs_[slot];
    published.appended +=
        static_cast<std::uint64_t>(each.state.next - each.log->end.load(std::memory_order_relaxed));
    each.log->start.store(each.state.start, std::memory_order_release);
    each.log->end.store(each.state.next, std::memory_order_release);
    if (each.gone) {
      each.log->removed.store(true, std::memory_order_release);
      each.insert = Statement();
    }
    published.changed.push_back(each.log);
  }
  touched_.clear();
  if (std::exchange(catalogue_changed_, false)) published.catalogue = catalogue_;
  return published;
}

}  // namespace dropline::stream::sqlite
