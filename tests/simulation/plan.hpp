#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dropline::simulation {

/// What may go wrong in a run. Each has its own bit in Plan::calm, so that a failing seed can be
/// replayed without what it does not need.
enum class Mishap : std::uint8_t {
  store_error,    ///< a seam of the database fails and the transaction with it
  commit_answer,  ///< committed, but the answer was lost
  store_crash,    ///< the process dies at a seam of the database
  send_fault,  ///< a worker's record is lost, doubled, delayed, its answer lost, its producer dead
  send_crash,  ///< the process dies between two records of a batch
  kill,        ///< the process dies between two turns
  leave,       ///< a process drains and another joins
  cut,         ///< cut off from the stream for a while
  expel,       ///< its share is given to others before it knows
  pause,       ///< stopped past its session, then resumed
  clock,       ///< the wall clock steps, forward or back
  ingress,     ///< an ingress dies with what it has under way
  outside_fault,  ///< what shoppers and other services send is lost, doubled, delayed
  count
};

[[nodiscard]] std::string_view name_of(Mishap mishap) noexcept;

/// Everything a run is decided by. A value.
struct Plan {
  static constexpr int kTurns = 140;
  /// In between nobody dies for longer than a session lasts, so that what was ordered before
  /// is paid, sent and given back while things go wrong again.
  static constexpr int kLullFrom = 40;
  static constexpr int kLullUntil = 75;

  std::uint64_t seed = 0;
  int turns = kTurns;      ///< of the phase with faults
  std::uint32_t calm = 0;  ///< mishaps left out, by bit

  /// Every third seed is one process on one file, the others a cluster with a broker.
  [[nodiscard]] bool embedded() const noexcept { return seed % 3 == 2; }
  [[nodiscard]] bool allows(Mishap mishap) const noexcept {
    return (calm >> static_cast<unsigned>(mishap) & 1U) == 0;
  }
  [[nodiscard]] Plan without(Mishap mishap) const noexcept {
    auto plan = *this;
    plan.calm |= 1U << static_cast<unsigned>(mishap);
    return plan;
  }
  /// The environment that makes the test program replay this run alone.
  [[nodiscard]] std::string environment() const;
};

/// DROPLINE_SEED, DROPLINE_TURNS and DROPLINE_CALM (names, separated by commas) where they are set.
[[nodiscard]] Plan plan_from_environment();

}  // namespace dropline::simulation
