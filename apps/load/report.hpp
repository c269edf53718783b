#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "figures.hpp"
#include "oracle.hpp"
#include "plan.hpp"

namespace dropline::load {

/// Everything that a run came to.
struct Outcome {
  const Plan& plan;
  const Figures& figures;
  Rush::Totals totals;
  double answered_per_s = 0;
  double paid_per_s = 0;  ///< told on the topic while the load lasted
  double lag_s = 0;       ///< from the end of the load to the last order told
  Verdict verdict;
};

void print(std::ostream& out, const Outcome& outcome);
[[nodiscard]] std::string to_json(const Outcome& outcome);
/// `throughput.svg` and `latency.svg` in that folder.
[[nodiscard]] Status write_plots(const std::filesystem::path& folder, const Outcome& outcome);

}  // namespace dropline::load
