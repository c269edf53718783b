#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bugs.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "dropline/worker/worker.hpp"
#include "faults.hpp"
#include "plan.hpp"
#include "traffic.hpp"
#include "verdict.hpp"

namespace dropline::simulation {

struct Outcome {
  Verdict verdict;
  Coverage coverage;
  int quiet_turns = 0;  ///< from the last fault to rest
  [[nodiscard]] bool whole() const { return verdict.violations.empty(); }
};

/// A broker, a database, worker processes that come and go, and everybody outside, on one thread.
/// A run is a function of its plan (and of the bug planted in it, where there is one).
class World final {
 public:
  explicit World(const Plan& plan, const Bug* bug = nullptr);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Once: the phase with faults, then rest, then the verdict.
  [[nodiscard]] Outcome run();

 private:
  struct Process;

  void turn();
  void mishap();
  void start_process();
  void step(Process& process);
  void bury_the_dead();
  [[nodiscard]] bool chance(Mishap mishap, std::uint64_t one_in);
  [[nodiscard]] Process* somebody();
  [[nodiscard]] bool rest(int& turns);
  [[nodiscard]] bool at_rest();

  const Plan plan_;
  const Bug* bug_;
  Coverage coverage_;
  SeededRandom schedule_;
  SeededRandom spans_;
  ManualClock clock_;
  contracts::CommandKeys keys_;
  std::shared_ptr<stream::MemoryLog> log_;
  stream::MemoryStream outside_;
  std::filesystem::path folder_;
  store::Database database_;
  store::Session session_;  ///< sees without faults
  std::unique_ptr<Traffic> traffic_;
  std::unique_ptr<Sabotage> sabotage_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::size_t wanted_ = 2;
  std::size_t batch_ = 2'000;
  std::uint64_t rate_ = 1;  ///< mishaps between turns are so many times rarer
  int turn_ = 0;
  int born_ = 0;
};

}  // namespace dropline::simulation
