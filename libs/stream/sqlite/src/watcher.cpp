#include "watcher.hpp"

#include <algorithm>

#include "schema.hpp"

namespace dropline::stream::sqlite {

Watcher::Watcher(const SqliteOptions& options, Inlet& inlet, Notices& notices)
    : options_(options),
      inlet_(inlet),
      notices_(notices),
      database_(options.file, Database::Mode::read) {
  check_format(database_);
  version_ = database_.prepare("PRAGMA data_version");
  look();
  thread_ = std::thread([this] { run(); });
}

Watcher::~Watcher() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  condition_.notify_all();
  thread_.join();
}

void Watcher::look() {
  database_.step(version_);
  const std::int64_t version = version_.integer(0);
  sqlite3_reset(version_.raw());
  if (version == seen_version_) return;
  database_.execute("BEGIN");
  auto catalogue = std::make_shared<const Catalogue>(registry_.build(load_topics(database_)));
  std::vector<std::shared_ptr<Log>> logs;
  std::vector<std::shared_ptr<Log>> changed;
  const auto rows = load_rows(database_);
  for (const auto& [name, topic] : *catalogue) {
    for (const auto& log : topic.logs) {
      logs.push_back(log);
      if (update(*log, rows.at(log->id))) changed.push_back(log);
    }
  }
  database_.execute("COMMIT");
  for (const auto& log : logs_) {
    if (std::find(logs.begin(), logs.end(), log) != logs.end()) continue;
    log->removed = true;
    last_offsets_.erase(log->id);
    changed.push_back(log);
  }
  logs_ = std::move(logs);
  seen_version_ = version;
  inlet_.set_catalogue(std::move(catalogue));
  notices_.publish(changed);
}

bool Watcher::update(Log& log, const LogState& row) {
  // This runs for every log after every change, so what it asks is prepared once.
  Statement& last = last_offsets_[log.id];
  if (!last) last = database_.prepare("SELECT max(\"offset\") FROM " + log.table());
  const Use use(last);
  std::int64_t end = row.next;
  if (database_.step(last) && !last.null(0)) end = std::max(end, last.integer(0) + 1);
  if (log.end == end && log.start == row.start) return false;
  log.start = row.start;
  log.end = end;
  return true;
}

void Watcher::run() {
  std::unique_lock lock(mutex_);
  while (!condition_.wait_for(lock, options_.foreign_poll_interval, [this] { return stopping_; })) {
    lock.unlock();
    // What cannot be read now is tried again; readers meet the same error themselves.
    if (!guarded([this] { look(); })) database_.try_execute("ROLLBACK");
    lock.lock();
  }
}

}  // namespace dropline::stream::sqlite
