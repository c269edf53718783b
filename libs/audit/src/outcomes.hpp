#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/audit/finding.hpp"

namespace dropline::audit {

/// Outcomes of checks that are made together, in the order in which they were announced.
class Outcomes final {
 public:
  void announce(std::string_view code, std::string_view about, Reach reach) {
    places_.emplace(code, outcomes_.size());
    outcomes_.push_back({std::string(code), std::string(about), reach, 0, {}, false});
  }
  void add(std::string_view code, std::string where, std::string what) {
    auto& outcome = outcomes_[places_.find(code)->second];
    ++outcome.found;
    if (outcome.findings.size() < kMaxFindings)
      outcome.findings.push_back({outcome.code, std::move(where), std::move(what)});
  }
  [[nodiscard]] std::vector<Outcome> take() { return std::move(outcomes_); }

 private:
  std::vector<Outcome> outcomes_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

}  // namespace dropline::audit
