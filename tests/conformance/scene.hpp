#pragma once

#include <doctest/doctest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dropline/stream/errors.hpp"
#include "dropline/stream/partitioner.hpp"
#include "subject.hpp"

namespace dropline::stream::conformance {

using std::chrono::milliseconds;
using Time = std::chrono::steady_clock;

/// Calls `done` again and again, which may wait a little itself, until it is true or patience ends.
bool eventually(const std::function<bool()>& done, milliseconds limit = kPatience);

/// A record that owns what it shows.
struct Copy {
  explicit Copy(const Record& record);

  TopicPartition at;
  std::int64_t offset;
  Timestamp append_time;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

/// What deliveries have said. Any thread.
class Journal final {
 public:
  DeliveryHandler handler();

  std::size_t count() const;
  bool await(std::size_t count, milliseconds limit = kPatience) const;
  /// Waits until something was delivered since this was last called, or a moment has passed.
  void await_change() const;
  std::vector<Delivery> all() const;
  /// By token; fails the test where a token has more than one.
  std::map<std::uint64_t, Delivery> by_token() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Delivery> deliveries_;
};

/// A producer and its journal. Tokens are 1, 2, 3, … in order of send() here.
class Writer final {
 public:
  explicit Writer(Stream& stream);
  ~Writer() { producer.reset(); }

  /// As Producer::send(), counting the token only when taken.
  Status offer(const Draft& draft);
  /// Sends, waiting where the queue is full; anything else fails the test.
  std::uint64_t send(const Draft& draft);
  std::uint64_t send(std::string_view topic, std::string_view key, std::string_view value,
                     std::optional<std::int32_t> partition = std::nullopt);
  /// Waits until all is acknowledged.
  void settle();

  Journal journal;
  std::uint64_t tokens = 0;
  std::unique_ptr<Producer> producer;
};

/// One scenario's own log, stream and topics.
class Scene final {
 public:
  explicit Scene(const Wishes& wishes = {});

  Stream& stream() { return *stream_; }
  Place& place() { return *place_; }
  Admin& admin();
  /// Closes the stream (everything it handed out must be gone) and leaves the log.
  void close();
  /// Opens it again.
  void open(const Wishes& wishes = {});

  static std::string unique(const std::string& name);
  std::string topic(std::int32_t partitions = 1);
  std::string make(TopicSpec spec);

  /// A consumer of every partition of a topic from `offset`.
  std::unique_ptr<Consumer> reader(const std::string& topic, std::int32_t partitions = 1,
                                   std::int64_t offset = Position::kStart);
  /// Everything that the topic holds now, by partition.
  std::vector<std::vector<Copy>> content(const std::string& topic, std::int32_t partitions = 1);
  std::vector<Copy> content_of_one(const std::string& topic) { return content(topic, 1).front(); }

 private:
  std::unique_ptr<Place> place_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Admin> admin_;
};

/// Polls until `count` records came (more than one poll may give more); errors fail the test.
std::vector<Copy> read(Consumer& consumer, std::size_t count, milliseconds limit = kPatience);
/// Polls until a partition has something to say.
std::optional<PartitionError> read_error(Consumer& consumer, milliseconds limit = kPatience);
/// Fails the test where anything comes within `wait`.
void check_silent(Consumer& consumer, milliseconds wait = milliseconds(300));

void assign(Consumer& consumer, const TopicPartition& at, std::int64_t offset);
Extent extent_of(Consumer& consumer, const TopicPartition& at);
std::vector<std::string> values(const std::vector<Copy>& records);
/// "prefix0", "prefix1", … up to but not with `count`.
std::vector<std::string> numbered(const std::string& prefix, int first, int count);

}  // namespace dropline::stream::conformance
