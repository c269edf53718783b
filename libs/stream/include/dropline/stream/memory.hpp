#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dropline/base/clock.hpp"
#include "dropline/stream/group_coordinator.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::stream {

struct MemoryLogOptions {
  /// Where append times, delays and sessions come from; must outlive the log. Null: the machine's.
  const Clock* clock = nullptr;
  /// True: producers report deliveries on a thread each, and polls wait and are woken. False: no
  /// thread, nothing ever waits whatever it is told, deliveries come out of MemoryStream::pump()
  /// alone (and flush(), close()); the same calls then give the same log, byte for byte.
  bool threads = true;
  std::chrono::milliseconds session_timeout{6'000};
  /// compact() leaves a tombstone readable until it is so old.
  std::chrono::milliseconds tombstone_retention{std::chrono::hours(24)};
};

/// What plays the broker for MemoryStream: topics, records and groups, for tests and simulation.
/// Streams open and close, each standing for a process; the log stays. As with Kafka, append times
/// follow the clock even where it steps back. Unbounded: a test bounds what it writes.
///
/// Threads: any.
class MemoryLog final {
 public:
  explicit MemoryLog(MemoryLogOptions options = {});
  ~MemoryLog();
  MemoryLog(const MemoryLog&) = delete;
  MemoryLog& operator=(const MemoryLog&) = delete;

  /// Cleans every compacted topic: of each key the last record stays, and loses even that where it
  /// is a tombstone old enough. Offsets and the partition's extent do not change.
  void compact();
  /// Drops records past their topic's retention.
  void expire();

  /// Forgets the records at `offset` and after, acknowledged or not, and gives their offsets again:
  /// what an unclean change of leader does.
  void lose_tail(const TopicPartition& at, std::int64_t offset);
  /// Starts every partition of the topic over at offset 0, empty: the log's disk was replaced.
  void start_over(std::string_view topic);

  [[nodiscard]] GroupCoordinator& groups();

 private:
  friend class MemoryStream;
  class State;
  std::shared_ptr<State> state_;
};

/// What becomes of one record. Faults of records that were taken do not change the order of those
/// that arrive within a partition and producer.
enum class SendFault {
  none,
  lose,         ///< never arrives: reported failed
  lose_answer,  ///< arrives: reported unknown
  lose_unseen,  ///< never arrives: reported unknown
  duplicate,    ///< arrives twice: acknowledged with the first place
  queue_full,   ///< not taken
  fatal,        ///< never arrives, reported unknown, and its producer writes no more
};

struct SendFate {
  SendFault fault = SendFault::none;
  /// Arrives, or is reported lost, so much later by the log's clock; so do those behind it.
  std::chrono::milliseconds delay{0};
};

struct MemoryStreamOptions {
  /// Of each producer: taken and not yet reported.
  std::size_t max_in_flight_records = 10'000;
  std::size_t max_in_flight_bytes = std::size_t{64} << 20U;
  /// As producers that promise no gap: one that loses a record writes nothing behind it and must be
  /// replaced.
  bool gapless = false;
  /// Asked for every valid draft, on the thread of send(), with no lock held. Empty: no faults.
  std::function<SendFate(const Draft&)> fate;
};

/// A stream in memory. Whole: conformance holds it to what the others must do.
class MemoryStream final : public Stream {
 public:
  explicit MemoryStream(std::shared_ptr<MemoryLog> log = std::make_shared<MemoryLog>(),
                        MemoryStreamOptions options = {});
  ~MemoryStream() override;

  [[nodiscard]] Result<std::unique_ptr<Producer>> producer(DeliveryHandler on_delivery) override;
  [[nodiscard]] Result<std::unique_ptr<Consumer>> consumer() override;
  [[nodiscard]] Result<std::unique_ptr<Membership>> join(const std::string& group,
                                                         const std::string& anchor_topic,
                                                         const std::string& member) override;
  [[nodiscard]] Result<std::unique_ptr<Admin>> admin(std::chrono::milliseconds limit) override;

  [[nodiscard]] MemoryLog& log() noexcept { return *log_; }

  /// Without threads: reports what has arrived, or was lost, to this stream's producers, in order.
  /// Returns how many deliveries that were. What handlers send is left to the next call.
  std::size_t pump();

  /// Cuts this stream off from the log, or joins it again: what is sent waits, polls bring nothing,
  /// questions fail with Errc::unreachable, and the members of its groups are silent.
  void cut_off(bool cut);

  /// As kill -9 of the process that opened this stream: its producers report nothing more, not even
  /// when they are destroyed, and take nothing; its members are silent until their session ends;
  /// what is under way arrives when it is due (cut off: never). For good; open another stream.
  void kill();

 private:
  class Core;
  class MemoryProducer;
  class MemoryConsumer;
  class MemoryMembership;
  class MemoryAdmin;
  std::shared_ptr<MemoryLog> log_;
  std::unique_ptr<Core> core_;
};

}  // namespace dropline::stream
