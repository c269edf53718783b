#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/stream/stream.hpp"

/// What an adapter tells the conformance suite about itself. The scenarios are compiled once; each
/// adapter's executable adds a definition of subject().
namespace dropline::stream::conformance {

/// Longest that anything may take that happens by itself. Generous: machines are busy.
inline constexpr std::chrono::milliseconds kPatience{20'000};

/// How a scenario wants a stream opened; zero: as the adapter has it by default.
struct Wishes {
  std::size_t max_in_flight_records = 0;
  std::size_t max_in_flight_bytes = 0;
  std::size_t max_fetched_bytes = 0;
};

/// What a writer that was killed had been told.
struct Acknowledged {
  std::int32_t partition = 0;
  std::int64_t offset = -1;  ///< -1 where it was not told
  std::string value;
};

/// A group member that can fall silent without leaving.
class Companion {
 public:
  virtual ~Companion() = default;
  /// Lets it poll, or hears what it found by polling on its own. Does not wait long.
  virtual void step() = 0;
  /// Freezes it until its session is over (others notice when they poll).
  virtual void fall_silent() = 0;
  virtual void come_back() = 0;

  std::set<std::int32_t> owned;  ///< as it believes
  bool lost = false;             ///< it was told that it lost partitions
};

/// One log, empty at first, and what can be done to it from outside. Gone with all its data (or
/// its topics) when destroyed.
class Place {
 public:
  virtual ~Place() = default;

  /// Each call is another process's way in. Where Features::shared is false, only one at a time.
  virtual Result<std::unique_ptr<Stream>> open(const Wishes& wishes) = 0;
  /// A stream whose broker cannot be reached, now or later; only where Features::has_broker.
  virtual Result<std::unique_ptr<Stream>> open_unreachable() = 0;

  /// Opens the log, writes numbered records ("0", "1", …, its own key each) to the topic without
  /// pause, and is killed at some moment after `at_least` of them were acknowledged.
  virtual std::vector<Acknowledged> write_until_killed(const std::string& topic,
                                                       std::size_t at_least) = 0;

  virtual std::unique_ptr<Companion> companion(Stream& stream, const std::string& group,
                                               const std::string& topic,
                                               const std::string& name) = 0;

  /// Brings on a cleaning of the compacted topic, now or soon. What was written last may be spared.
  virtual void compact(const std::string& topic) = 0;
  /// Lets `time` pass for retention, and brings on its enforcement, now or soon.
  virtual void age(std::chrono::milliseconds time) = 0;
};

struct Features {
  bool shared = false;      ///< several streams may be open at once
  bool has_broker = false;  ///< which can be gone
  /// Median from send() to a waiting poll()'s return.
  std::chrono::milliseconds wake_bound{100};
};

struct Subject {
  std::string_view name;
  Features features;
  /// Empty when all it needs is there, else what is missing and how to get it.
  std::string (*missing)();
  std::unique_ptr<Place> (*make)();
  /// For a child process: the place that `address` (see children.hpp) names.
  std::unique_ptr<Place> (*at)(const std::string& address);
};

[[nodiscard]] const Subject& subject();

}  // namespace dropline::stream::conformance
