#pragma once

#include <string>
#include <utility>
#include <vector>

namespace dropline::load {

struct Line {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

struct Axis {
  std::string label;
  bool logarithmic = false;
};

/// A picture of lines over one pair of axes, as an SVG document that needs nothing else.
[[nodiscard]] std::string plot(const std::string& title, const Axis& x, const Axis& y,
                               const std::vector<Line>& lines);

}  // namespace dropline::load
