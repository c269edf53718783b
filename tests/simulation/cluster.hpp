#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dropline/stream/stream.hpp"
#include "stage.hpp"

namespace dropline::simulation {

/// Line 0 is that of other services and operators, those above it of ingresses.
inline constexpr std::size_t kLines = 3;

/// The programs and what they run on, one step at a time, and how those outside reach their log.
class Cluster {
 public:
  /// A line goes away. First nobody hears its answers any more (`gone` is false), then whatever was
  /// made from its stream must be dropped.
  using LetGo = std::function<void(std::size_t line, bool gone)>;

  virtual ~Cluster() = default;

  /// nullptr while that line is down. The same until LetGo is told.
  [[nodiscard]] virtual stream::Stream* line(std::size_t number) = 0;
  /// Processes come, go, suffer, and take a step.
  virtual void turn() = 0;
  /// The same without a mishap; what is down comes back.
  virtual void quiet_turn() = 0;
  /// Nothing is under way between database and log.
  [[nodiscard]] virtual bool settled() = 0;
  /// What hinders whom.
  [[nodiscard]] virtual std::string trouble() = 0;
};

/// A broker in memory, worker processes that come and go, an outbox.
[[nodiscard]] std::unique_ptr<Cluster> make_distributed(Stage& stage, Cluster::LetGo let_go);
/// One process on one SQLite file with log and tables.
[[nodiscard]] std::unique_ptr<Cluster> make_embedded(Stage& stage, Cluster::LetGo let_go);

}  // namespace dropline::simulation
