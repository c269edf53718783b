#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalogue.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/producer.hpp"
#include "log_writer.hpp"

namespace dropline::stream::sqlite {

/// What one producer has in flight. Guarded by the inlet's mutex, except the handler.
struct Sender {
  DeliveryHandler handler;
  std::size_t in_flight = 0;   ///< taken and not yet delivered
  std::size_t delivering = 0;  ///< handed to the handler, which has not returned yet
  bool closed = false;
};

/// A record sent that is not committed yet.
struct Sent {
  std::shared_ptr<Sender> sender;
  std::uint64_t token = 0;
  std::shared_ptr<Log> log;
  std::string bytes;  ///< key, value, headers' encoding
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  bool tombstone = false;
  bool cancelled = false;  ///< its sender closed and has reported it
  bool unknown = false;    ///< a commit that held it failed half-way
  std::int64_t offset = -1;
  Errc failure{};  ///< set where it can never be appended
};

/// Something an admin asked for, done by the writing thread in its transaction.
struct Job {
  std::function<void(LogWriter&)> work;
  bool taken = false;
  bool done = false;
  bool abandoned = false;  ///< nobody waits for it any more; not done unless already under way
  Status result;
};

/// Where other threads leave work for the writing thread: records sent, and admin jobs. Bounded by
/// records and bytes. The writing thread takes from the head and gives back what became of it.
class Inlet final {
 public:
  Inlet(std::size_t max_records, std::size_t max_bytes)
      : max_records_(max_records), max_bytes_(max_bytes) {}

  // Any thread.
  Status send(const std::shared_ptr<Sender>& sender, const Draft& draft, std::uint64_t token);
  bool flush(const Sender& sender, std::chrono::milliseconds limit);
  void close(const std::shared_ptr<Sender>& sender, std::chrono::milliseconds limit);
  Status ask(std::function<void(LogWriter&)> work, std::chrono::milliseconds limit);
  [[nodiscard]] std::optional<Error> fatal() const;
  void wake();
  [[nodiscard]] std::size_t records() const;
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::shared_ptr<const Catalogue> catalogue() const;
  void set_catalogue(std::shared_ptr<const Catalogue> catalogue);

  // The writing thread.
  bool wait_for_work(std::chrono::milliseconds limit);
  [[nodiscard]] std::vector<std::shared_ptr<Job>> take_jobs();
  /// The next `max` records beyond those taken, without the cancelled. Valid until they are given
  /// back by committed() or untaken.
  void take(std::size_t max, std::vector<Sent*>& into);
  /// How many are taken now, cancelled ones included; for give_back().
  [[nodiscard]] std::size_t taken() const;
  /// The taken beyond the first `keep` stand in the queue again.
  void give_back(std::size_t keep, bool outcome_unknown);
  void give_back_jobs();
  /// A whole round of writing was undone. After kUndoneRounds in a row nothing more is taken while
  /// something waits: what is taken then would only wait too, and its sender with it.
  void undone();
  /// What is taken is in the log: reports it and forgets it; answers the jobs taken.
  void committed();
  /// Refuses everything from now on with `reason` and reports what is queued.
  void stop(const Error& reason);

 private:
  using Deliveries = std::vector<std::pair<std::shared_ptr<Sender>, std::vector<Delivery>>>;

  void deliver(Deliveries& deliveries);
  static void note(Deliveries& deliveries, const Sent& sent, const Delivery& delivery);
  void forget_first(std::size_t count);
  [[nodiscard]] Status accept(const Draft& draft, const Sender& sender, std::size_t size,
                              std::shared_ptr<Log>& log) const;

  const std::size_t max_records_;
  const std::size_t max_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable work_;     // the writing thread waits
  std::condition_variable settled_;  // flush, close and ask wait
  std::deque<Sent> queue_;
  std::size_t taken_ = 0;  // of the queue's head
  std::size_t bytes_ = 0;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::optional<Error> fatal_;
  int undone_ = 0;  // rounds since the last that was committed
  bool waiting_ = false;
  bool woken_ = false;
};

/// The smallest queue that a record counts as, so that empty ones are bounded too.
inline constexpr std::size_t kSentOverhead = sizeof(Sent);

/// So many rounds in a row are a trouble that does not pass at once: a full disk, mostly.
inline constexpr int kUndoneRounds = 4;

}  // namespace dropline::stream::sqlite
