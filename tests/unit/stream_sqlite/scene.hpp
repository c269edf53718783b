#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "support/eventually.hpp"

/// What the tests of this room have in common.
namespace dropline::stream::testing {

using dropline::testing::eventually;
using dropline::testing::kWaitLimit;
using std::chrono::milliseconds;

/// A folder of its own, removed with everything in it.
class Folder final {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dropline-sqlite-XXXXXX");
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::filesystem::path file() const { return path_ / "log.db"; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A connection as the engine's store would open it, and its transactions.
class Connection final {
 public:
  explicit Connection(const std::filesystem::path& file) {
    REQUIRE(sqlite3_open(file.c_str(), &raw_) == SQLITE_OK);
    sqlite3_busy_timeout(raw_, 5000);
  }
  ~Connection() { sqlite3_close(raw_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] sqlite3* raw() const { return raw_; }
  int attempt(const std::string& sql) const {
    return sqlite3_exec(raw_, sql.c_str(), nullptr, nullptr, nullptr);
  }
  void run(const std::string& sql) const {
    REQUIRE_MESSAGE(attempt(sql) == SQLITE_OK, sql << ": " << sqlite3_errmsg(raw_));
  }
  [[nodiscard]] std::int64_t integer(const std::string& sql) const {
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(raw_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const auto value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
  }

 private:
  sqlite3* raw_ = nullptr;
};

/// What deliveries have said, by token. Any thread.
class Journal final {
 public:
  DeliveryHandler handler() {
    return [this](std::span<const Delivery> batch) {
      const std::lock_guard guard(mutex_);
      for (const auto& delivery : batch) {
        ++count_;
        told_[delivery.token] = delivery;
      }
    };
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard guard(mutex_);
    return count_;
  }
  [[nodiscard]] std::optional<Delivery> of(std::uint64_t token) const {
    const std::lock_guard guard(mutex_);
    const auto found = told_.find(token);
    if (found == told_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] bool all(Outcome outcome) const {
    const std::lock_guard guard(mutex_);
    for (const auto& [token, delivery] : told_) {
      if (delivery.outcome != outcome) return false;
    }
    return told_.size() == count_;
  }

 private:
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::map<std::uint64_t, Delivery> told_;
};

inline SqliteOptions options_for(const Folder& folder) {
  SqliteOptions options;
  options.file = folder.file();
  return options;
}

inline TopicSpec spec(const std::string& name, std::int32_t partitions = 1,
                      Cleanup cleanup = Cleanup::retain,
                      std::optional<milliseconds> retention = std::nullopt) {
  return {name, partitions, cleanup, retention, true};
}

inline void make_topics(Stream& stream, const std::vector<TopicSpec>& specs) {
  REQUIRE(stream.admin(kWaitLimit).value()->ensure_topics(specs).has_value());
}

inline Draft draft(std::string_view topic, std::string_view key,
                   std::optional<std::string_view> value, std::int32_t partition = 0) {
  Draft made{.topic = topic, .key = key, .value = value};
  made.partition = partition;
  return made;
}

/// Values of what a poll brings, a tombstone as "-"; at most what is there now.
inline std::vector<std::string> values(const Batch& batch) {
  std::vector<std::string> found;
  for (const auto& record : batch.records())
    found.emplace_back(record.value.value_or("-"));
  return found;
}

inline std::vector<std::int64_t> offsets(const Batch& batch) {
  std::vector<std::int64_t> found;
  for (const auto& record : batch.records())
    found.push_back(record.offset);
  return found;
}

inline void seek(Consumer& consumer, const std::string& topic, std::int64_t offset,
                 std::int32_t partition = 0) {
  const Position position{{topic, partition}, offset};
  REQUIRE(consumer.assign({&position, 1}).has_value());
}

inline std::unique_ptr<Consumer> reader(Stream& stream, const std::string& topic,
                                        std::int64_t offset = Position::kStart) {
  auto consumer = stream.consumer().value();
  seek(*consumer, topic, offset);
  return consumer;
}

/// All that one partition holds now.
inline std::vector<std::string> content(Stream& stream, const std::string& topic) {
  return values(reader(stream, topic)->poll(100'000, milliseconds(0)).value());
}

inline Extent extent(Stream& stream, const std::string& topic) {
  const TopicPartition at{topic, 0};
  return stream.consumer().value()->extents({&at, 1}, kWaitLimit).value().front();
}

/// A stream attached to a connection, and rounds of its engine.
class Attached final {
 public:
  explicit Attached(SqliteOptions options) : connection(options.file) {
    auto opened = SqliteStream::attach(connection.raw(), std::move(options));
    REQUIRE_MESSAGE(opened.has_value(), opened.error().text());
    stream = std::move(*opened);
  }

  EngineSide& engine() { return stream->engine(); }
  void begin() { connection.run("BEGIN IMMEDIATE"); }
  void commit() {
    connection.run("COMMIT");
    engine().committed();
  }
  void roll_back() {
    connection.run("ROLLBACK");
    engine().rolled_back();
  }
  std::size_t take() { return engine().take_sends(10'000).value(); }
  Status append(const Draft& one, std::vector<Place>* placed = nullptr) {
    return engine().appender().append({&one, 1}, placed);
  }
  void make(const std::vector<TopicSpec>& specs) {
    REQUIRE(stream->ensure_topics_now(specs).has_value());
  }

  Connection connection;
  std::unique_ptr<SqliteStream> stream;
};

}  // namespace dropline::stream::testing
