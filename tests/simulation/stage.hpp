#pragma once

#include <filesystem>
#include <string>

#include "bugs.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "faults.hpp"
#include "plan.hpp"

namespace dropline::simulation {

inline constexpr std::int32_t kPartitions = 3;

/// What everybody in a run shares: time, chance, the database's file, and what was struck so far.
class Stage final {
 public:
  Stage(const Plan& plan, const Bug* bug);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  [[nodiscard]] bool lull() const noexcept {
    return turn >= Plan::kLullFrom && turn < Plan::kLullUntil;
  }
  /// Whether a mishap between two turns happens now: once in `one_in` and the run's own rarity.
  [[nodiscard]] bool chance(Mishap mishap, std::uint64_t one_in);
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "dropline.db"; }
  /// A connection that nothing befalls; not to be used while a transaction of others is open.
  [[nodiscard]] store::Session& session();

  const Plan plan;
  const Bug* const bug;
  Coverage coverage;
  SeededRandom schedule;
  SeededRandom spans;
  ManualClock clock;
  contracts::CommandKeys keys;
  std::size_t batch = 2'000;  ///< records a transaction
  int turn = 0;

 private:
  std::uint64_t rarity_ = 1;
  std::filesystem::path folder_;

 public:
  store::Database database;

 private:
  std::optional<store::Session> session_;
};

}  // namespace dropline::simulation
