#include "world.hpp"

#include "order_verdict.hpp"
#include "services.hpp"

namespace dropline::simulation {

using namespace std::chrono_literals;

namespace {

/// People go on for so long after the last fault, and look after what they have ordered.
constexpr int kBusyQuietTurns = 40;
/// Longer than delays and sessions last; deadlines are waited for as long as there are any.
constexpr int kMinQuietTurns = 64;
constexpr int kMaxQuietTurns = 700;
constexpr auto kQuietStep = 250ms;
/// After that in small steps, so that rest is met between two heartbeats.
constexpr auto kSmallStep = 60ms;

}  // namespace

World::World(const Plan& plan, const Bug* bug) : stage_(plan, bug), traffic_(stage_) {
  const auto let_go = [this](std::size_t line, bool gone) { traffic_.let_go(line, gone); };
  cluster_ = plan.embedded() ? make_embedded(stage_, let_go) : make_distributed(stage_, let_go);
  traffic_.attach(*cluster_);
  if (bug != nullptr && bug->sabotage) sabotage_ = bug->sabotage();
}

void World::turn() {
  auto& schedule = stage_.schedule;
  for (auto acts = schedule.below(7); acts > 0; --acts)
    traffic_.act();
  cluster_->turn();
  traffic_.pump();
  if (sabotage_) sabotage_->turn(stage_.session());
  if (stage_.chance(Mishap::clock, 25)) {
    const auto by = std::chrono::milliseconds(schedule.below(6'000));
    schedule.below(2) == 0 ? stage_.clock.jump(by) : stage_.clock.jump(-by);
  }
  const auto step = std::chrono::milliseconds(schedule.below(250));
  stage_.clock.advance(stage_.lull() ? kQuietStep : step);
  ++stage_.turn;
}

bool World::at_rest() {
  auto* stream = cluster_->line(0);
  if (!traffic_.idle() || !cluster_->settled() || stream == nullptr) return false;
  waits_ = waits_for_deadlines(stage_.session());
  if (waits_) return false;
  for (const auto& service : services())
    if (!has_read_everything(*stream, stage_.session(), service)) return false;
  return true;
}

/// Nothing goes wrong any more: all must come to rest by itself.
bool World::rest(int& turns) {
  for (turns = 0; turns < kMaxQuietTurns; ++turns) {
    ++stage_.turn;
    if (turns < kBusyQuietTurns) traffic_.look_after();
    cluster_->quiet_turn();
    traffic_.pump();
    const bool soon = turns >= kMinQuietTurns;
    stage_.clock.advance(soon && !waits_ ? kSmallStep : kQuietStep);
    if (soon && at_rest()) return true;
  }
  return false;
}

Outcome World::run() {
  Outcome outcome;
  for (int i = 0; i < stage_.plan.turns; ++i)
    turn();
  const bool rested = rest(outcome.quiet_turns);
  if (auto* stream = cluster_->line(0))
    outcome.verdict = judge_cluster(*stream, stage_.session(), stage_.keys, traffic_.promises());
  if (!rested)
    outcome.verdict.violations.insert(outcome.verdict.violations.begin(),
                                      "it does not come to rest:" + cluster_->trouble());
  outcome.coverage = stage_.coverage;
  return outcome;
}

}  // namespace dropline::simulation
