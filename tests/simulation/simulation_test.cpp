#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "bugs.hpp"
#include "dropline/telemetry/log.hpp"
#include "world.hpp"

using namespace dropline;
using namespace dropline::simulation;

namespace {

/// Seeds of a run, unless DROPLINE_SEEDS says otherwise.
constexpr std::uint64_t kSeeds = DROPLINE_SIMULATION_SEEDS;
/// So many or more must strike nearly every point, and find every planted bug.
constexpr std::uint64_t kThorough = 200;
/// A planted bug must be found within so many.
constexpr std::uint64_t kBugSeeds = 500;
/// Of the points at which something can go wrong, in a thorough run.
constexpr double kMinStruck = 0.95;

struct Quiet {
  Quiet() { log::set_level("", log::Level::off); }
} quiet;

std::uint64_t seeds_wanted() {
  const char* wanted = std::getenv("DROPLINE_SEEDS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : kSeeds;
}

bool fails(const Plan& plan) {
  return !World(plan).run().whole();
}

/// The same failure with less: fewer turns first, then without the mishaps it does not need.
Plan shrunk(Plan plan) {
  for (int step = plan.turns / 2; step > 0; step /= 2) {
    auto shorter = plan;
    shorter.turns -= step;
    if (shorter.turns > 0 && fails(shorter)) plan = shorter;
  }
  for (unsigned i = 0; i < static_cast<unsigned>(Mishap::count); ++i)
    if (const auto calmer = plan.without(static_cast<Mishap>(i)); fails(calmer)) plan = calmer;
  return plan;
}

std::string told(const Plan& plan, const Outcome& outcome) {
  std::string text =
      "replay with: " + plan.environment() + " " DROPLINE_BINARY_DIR "/tests/simulation_quick\n";
  for (const auto& violation : outcome.verdict.violations)
    text += "  " + violation + '\n';
  return text;
}

}  // namespace

TEST_CASE("the same seed gives the same log and the same rows") {
  for (const std::uint64_t seed : {3U, 17U}) {
    CAPTURE(seed);
    Plan plan;
    plan.seed = seed;
    const auto first = World(plan).run();
    const auto again = World(plan).run();
    CHECK(first.verdict.hash == again.verdict.hash);
    CHECK(first.verdict.commands > 50);
    plan.seed += 1;
    CHECK(World(plan).run().verdict.hash != first.verdict.hash);
  }
}

TEST_CASE("whatever befalls the processes, the cluster comes to rest with all invariants whole") {
  auto plan = plan_from_environment();
  const bool one = std::getenv("DROPLINE_SEED") != nullptr;
  const auto seeds = one ? 1 : seeds_wanted();
  if (const char* first = std::getenv("DROPLINE_FIRST"); first && !one)
    plan.seed = std::strtoull(first, nullptr, 10);
  Coverage coverage;
  std::size_t commands = 0;
  std::size_t orders = 0;
  std::size_t granted = 0;
  std::size_t paid = 0;
  std::size_t discounts = 0;
  std::size_t delivered = 0;
  std::size_t refunds = 0;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < seeds; ++i, ++plan.seed) {
    const auto outcome = World(plan).run();
    coverage.merge(outcome.coverage);
    commands += outcome.verdict.commands;
    orders += outcome.verdict.orders;
    granted += outcome.verdict.granted;
    paid += outcome.verdict.paid;
    discounts += outcome.verdict.discounts;
    delivered += outcome.verdict.delivered;
    refunds += outcome.verdict.refunds;
    if (outcome.whole()) continue;
    const auto smaller = one ? plan : shrunk(plan);
    FAIL_CHECK(told(smaller, World(smaller).run()));
    break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << "simulation: " << seeds << " seeds, " << static_cast<double>(seeds) / took.count()
            << " seeds/s, " << commands << " commands, " << orders << " orders, " << granted
            << " granted, " << paid << " paid, " << discounts << " with a coupon, " << delivered
            << " delivered, " << refunds << " given back, " << coverage.hit_points() << " of "
            << coverage.points() << " fault points struck\n";
  if (std::getenv("DROPLINE_REPORT")) std::cout << coverage.report();
  if (one || seeds < kThorough) return;
  CHECK_MESSAGE(static_cast<double>(coverage.hit_points()) >=
                    kMinStruck * static_cast<double>(coverage.points()),
                coverage.report());
  for (const auto& kind : kinds_of_points()) {
    CAPTURE(kind);
    CHECK(coverage.struck(kind).value_or(0) > 0);
  }
}

TEST_CASE("what once went wrong does not again") {
  struct Named {
    std::uint64_t seed;
    const char* what;
  };
  constexpr Named kNamed[]{
      {5, "embedded: a round undone left a service on records that were undone with it"}};
  for (const auto& [seed, what] : kNamed) {
    CAPTURE(what);
    Plan plan;
    plan.seed = seed;
    const auto outcome = World(plan).run();
    CHECK_MESSAGE(outcome.whole(), told(plan, outcome));
  }
}

namespace {

/// Looks for a bug until it is found; says how. An own process for each: what finds it may be a
/// promise of the program itself, which ends it.
bool finds(const Bug& bug) {
  std::cout.flush();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child > 0) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
      if (std::getenv("DROPLINE_REPORT")) std::cout << bug.name << ": ended by a broken promise\n";
      return true;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  // doctest would report the end of this process as a failure of the test.
  std::signal(SIGABRT, SIG_DFL);
  Plan plan;
  for (std::uint64_t seeds = 0; seeds < kBugSeeds; ++seeds, ++plan.seed) {
    if (!bug.fits(plan.embedded())) continue;
    const auto outcome = World(plan, &bug).run();
    if (outcome.whole()) continue;
    if (std::getenv("DROPLINE_REPORT"))
      std::cout << bug.name << ": found after " << seeds + 1
                << " seeds: " << outcome.verdict.violations.front() << std::endl;
    ::_exit(0);
  }
  ::_exit(1);
}

}  // namespace

TEST_CASE("every planted bug is found by the invariants") {
  if (kSeeds < kThorough) return;  // The thorough executable does it.
  const char* wanted = std::getenv("DROPLINE_BUG");
  for (const auto& bug : all_bugs()) {
    if (wanted && bug.name.find(wanted) == std::string_view::npos) continue;
    CAPTURE(bug.name);
    CHECK_MESSAGE(finds(bug), "survived " << kBugSeeds << " seeds");
  }
}
