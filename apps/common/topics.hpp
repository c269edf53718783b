#pragma once

#include <atomic>
#include <thread>

#include "common/process.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::apps {

/// Makes the topics that are missing, in the background, for as long as it takes to reach a broker;
/// until then the process is not ready and says why. A topic with another number of partitions ends
/// the process: everything about it would be wrong.
class TopicSetup final {
 public:
  TopicSetup(stream::Stream& stream, const config::Settings& settings, Process& process);
  ~TopicSetup();
  TopicSetup(const TopicSetup&) = delete;
  TopicSetup& operator=(const TopicSetup&) = delete;

  [[nodiscard]] bool done() const noexcept { return done_.load(); }
  /// Waits for done(); false when `stop` was set first.
  bool wait(const std::atomic<bool>& stop) const;

 private:
  void run(stream::Stream& stream, std::vector<stream::TopicSpec> topics);

  Process& process_;
  telemetry::Health::Component component_;
  std::atomic<bool> done_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

[[nodiscard]] std::vector<stream::TopicSpec> topic_specs(const config::Settings& settings);

}  // namespace dropline::apps
