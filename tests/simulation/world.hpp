#pragma once

#include <memory>

#include "cluster.hpp"
#include "traffic.hpp"
#include "verdict.hpp"

namespace dropline::simulation {

struct Outcome {
  Verdict verdict;
  Coverage coverage;
  int quiet_turns = 0;  ///< from the last fault to rest
  [[nodiscard]] bool whole() const { return verdict.violations.empty(); }
};

/// The programs on their log and database, and everybody outside, on one thread. A run is a
/// function of its plan (and of the bug planted in it, where there is one).
class World final {
 public:
  explicit World(const Plan& plan, const Bug* bug = nullptr);

  /// Once: the phase with faults, then rest, then the verdict.
  [[nodiscard]] Outcome run();

 private:
  void turn();
  [[nodiscard]] bool rest(int& turns);
  [[nodiscard]] bool at_rest();

  bool waits_ = false;  ///< for some order's time to run out
  Stage stage_;
  Traffic traffic_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Sabotage> sabotage_;
};

}  // namespace dropline::simulation
