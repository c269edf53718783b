#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "dropline/audit/finding.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"
#include "readers.hpp"

namespace dropline::audit {

/// Waits until all services have read, several hops deep, up to where the log ends now. One thread.
class Barrier final {
 public:
  struct Log {
    std::int32_t partitions = 16;
    std::string topic_prefix;
  };
  struct Waiting {
    std::chrono::milliseconds patience{0};
    std::chrono::milliseconds nap{25};        ///< between two looks
    const std::atomic<bool>* stop = nullptr;  ///< ends the wait as impatience does; not owned
    std::function<Status()> meanwhile{};      ///< called with each look, where given
  };
  Barrier(store::Session& session, stream::Stream& stream, const Clock& clock, Log log)
      : session_(session), stream_(stream), clock_(clock), log_(std::move(log)) {}

  /// Empty where all got there; else who did not.
  [[nodiscard]] Result<std::string> pass(const Waiting& waiting);

  struct Lag {
    std::int64_t behind = 0;  ///< records that services have to read, over all of them
    std::int64_t ends = 0;    ///< of all that they read, summed: how much was ever said
  };
  [[nodiscard]] Result<Lag> lag();

 private:
  using Ends = std::map<std::pair<std::string, std::int32_t>, std::int64_t>;
  [[nodiscard]] Result<Ends> read_ends();
  [[nodiscard]] Result<std::string> who_is_behind(const Ends& ends, const Backlog& before);

  store::Session& session_;
  stream::Stream& stream_;
  const Clock& clock_;
  Log log_;
  std::unique_ptr<stream::Consumer> consumer_;  ///< made when it is first needed
};

/// It holds between services only, and something was found.
[[nodiscard]] bool may_be_on_its_way(const Outcome& outcome);
/// Of what was found before, what is found still.
void keep_lasting(Outcome& before, const Outcome& now);

}  // namespace dropline::audit
