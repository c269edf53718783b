#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dropline/stream/errors.hpp"
#include "dropline/stream/memory.hpp"

namespace dropline::stream {

/// Everything the log knows; what streams hand out works on it under one mutex.
class MemoryLog::State final {
 public:
  /// One stream's way to the log.
  struct Link {
    MemoryStreamOptions options;
    bool cut = false;
    bool dead = false;
  };
  struct Stored {
    std::shared_ptr<const std::string> topic;
    std::int32_t partition = 0;
    std::int64_t offset = -1;
    Timestamp append_time;
    std::string key;
    std::optional<std::string> value;
    std::vector<std::pair<std::string, std::optional<std::string>>> header_text;
    std::vector<Header> headers;  // views into header_text
  };
  struct Partition {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::deque<std::shared_ptr<const Stored>> records;  // ascending; compaction leaves gaps
  };
  struct Topic {
    TopicSpec spec;
    std::shared_ptr<const std::string> name;
    std::vector<Partition> partitions;
  };
  /// A record under way.
  struct Letter {
    std::uint64_t sequence = 0;
    std::uint64_t token = 0;
    std::size_t bytes = 0;
    SendFault fault = SendFault::none;
    Clock::Steady due;
    std::shared_ptr<Stored> record;
  };
  struct Report {
    std::uint64_t sequence = 0;
    std::size_t bytes = 0;
    Delivery delivery;
  };
  /// A producer as the log sees it; outlives a killed one until nothing of it is under way.
  struct Outbox {
    std::shared_ptr<Link> link;
    DeliveryHandler on_delivery;
    std::map<std::pair<std::string, std::int32_t>, std::deque<Letter>> lanes;  // none empty
    std::deque<Report> reports;
    std::condition_variable changed;
    std::size_t records = 0;  // in flight: in lanes, in reports, or being reported
    std::size_t bytes = 0;
    std::uint64_t last_sequence = 0;
    bool delivering = false;
    bool closed = false;
    bool stopping = false;
    bool killed = false;
    std::optional<Error> fatal;

    [[nodiscard]] bool all_reported(std::uint64_t up_to) const;
  };

  // A wait is cut into pieces no longer than this, so that a clock that is set forward by hand, and
  // therefore wakes nobody, is noticed.
  static constexpr std::chrono::milliseconds kLongestWait{200};

  explicit State(MemoryLogOptions given);

  // All below: with `mutex` held.
  Result<Topic*> find(std::string_view topic);
  Result<Partition*> find(const TopicPartition& at);
  std::int64_t append(Topic& topic, const std::shared_ptr<Stored>& record);
  /// Lets everything arrive that is due.
  void settle();
  void settle(Outbox& outbox);
  /// Calls the handler with what there is to report, `lock` released meanwhile.
  std::size_t deliver(Outbox& outbox, std::unique_lock<std::mutex>& lock);
  /// Reports everything still under way as failed.
  void give_up(Outbox& outbox, const std::error_code& why);
  void forget(const std::shared_ptr<Outbox>& outbox);
  /// How long a waiting thread may sleep before it must look again.
  [[nodiscard]] std::chrono::milliseconds nap(std::chrono::steady_clock::time_point until) const;

  const MemoryLogOptions options;
  const Clock& clock;
  std::mutex mutex;
  std::condition_variable changed;  // records came, a consumer was woken, a link was cut or joined
  std::map<std::string, Topic, std::less<>> topics;
  std::vector<std::shared_ptr<Outbox>> outboxes;    // in order of making
  std::vector<std::unique_ptr<Membership>> silent;  // of killed processes, until the log goes
  GroupCoordinator groups;

 private:
  void arrive(Outbox& outbox, Letter letter);
  void end(Outbox& outbox);  ///< it writes no more
  void report(Outbox& outbox, const Letter& letter, Outcome outcome, std::error_code why);
};

}  // namespace dropline::stream
