#include "plan.hpp"

#include <array>
#include <cstdlib>

namespace dropline::simulation {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Mishap::count)> kNames{
    "store_error", "commit_answer", "store_crash",  "send_fault", "send_crash",
    "kill",        "leave",         "cut",          "expel",      "pause",
    "clock",       "ingress",       "outside_fault"};

}  // namespace

std::string_view name_of(Mishap mishap) noexcept {
  return kNames.at(static_cast<std::size_t>(mishap));
}

std::string Plan::environment() const {
  std::string text = "DROPLINE_SEED=" + std::to_string(seed);
  if (turns != kTurns) text += " DROPLINE_TURNS=" + std::to_string(turns);
  std::string names;
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (calm >> i & 1U) names.append(names.empty() ? "" : ",").append(kNames[i]);
  if (!names.empty()) text += " DROPLINE_CALM=" + names;
  return text;
}

Plan plan_from_environment() {
  Plan plan;
  if (const char* seed = std::getenv("DROPLINE_SEED")) plan.seed = std::strtoull(seed, nullptr, 10);
  if (const char* turns = std::getenv("DROPLINE_TURNS")) plan.turns = std::atoi(turns);
  const char* calm = std::getenv("DROPLINE_CALM");
  const std::string wanted = calm ? "," + std::string(calm) + "," : std::string();
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (wanted.find("," + std::string(kNames[i]) + ",") != std::string::npos) plan.calm |= 1U << i;
  return plan;
}

}  // namespace dropline::simulation
