#include "plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace dropline::load {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 360;
constexpr double kLeft = 70;
constexpr double kRight = 20;
constexpr double kTop = 40;
constexpr double kBottom = 50;
constexpr int kTicks = 5;
constexpr std::array kColours{"#1f6feb", "#d1242f", "#1a7f37", "#8250df", "#bf8700"};

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), std::abs(value) >= 100 ? "%.0f" : "%.4g", value);
  return text.data();
}

/// From a figure to its place on the paper.
class Scale final {
 public:
  Scale(const Axis& axis, double least, double most, double from, double to)
      : logarithmic_(axis.logarithmic), from_(from), to_(to) {
    least_ = logarithmic_ ? std::log10(std::max(least, 1e-3)) : std::min(0.0, least);
    most_ = logarithmic_ ? std::log10(std::max(most, 1e-2)) : most;
    if (most_ <= least_) most_ = least_ + 1;
  }
  [[nodiscard]] double place(double value) const {
    const auto at = logarithmic_ ? std::log10(std::max(value, 1e-3)) : value;
    return from_ + (to_ - from_) * (at - least_) / (most_ - least_);
  }
  [[nodiscard]] double tick(int number) const {
    const auto at = least_ + (most_ - least_) * number / kTicks;
    return logarithmic_ ? std::pow(10.0, at) : at;
  }

 private:
  bool logarithmic_;
  double from_, to_, least_ = 0, most_ = 1;
};

void text(std::string& out, double x, double y, const char* anchor, const std::string& words) {
  out += "<text x='" + number(x) + "' y='" + number(y) + "' text-anchor='" + anchor + "'>" + words +
         "</text>\n";
}

void draw_axes(std::string& out, const Scale& across, const Scale& up, const Axis& x,
               const Axis& y) {
  for (int tick = 0; tick <= kTicks; ++tick) {
    const auto at_y = up.place(up.tick(tick));
    out += "<line class='grid' x1='" + number(kLeft) + "' x2='" + number(kWidth - kRight) +
           "' y1='" + number(at_y) + "' y2='" + number(at_y) + "'/>\n";
    text(out, kLeft - 6, at_y + 4, "end", number(up.tick(tick)));
    text(out, across.place(across.tick(tick)), kHeight - kBottom + 18, "middle",
         number(across.tick(tick)));
  }
  text(out, (kLeft + kWidth - kRight) / 2, kHeight - 10, "middle", x.label);
  text(out, kLeft, kTop - 8, "middle", y.label);
}

}  // namespace

std::string plot(const std::string& title, const Axis& x, const Axis& y,
                 const std::vector<Line>& lines) {
  double least_x = 1e300, most_x = -1e300, least_y = 1e300, most_y = -1e300;
  for (const auto& line : lines)
    for (const auto& [at, value] : line.points) {
      least_x = std::min(least_x, at);
      most_x = std::max(most_x, at);
      least_y = std::min(least_y, value);
      most_y = std::max(most_y, value);
    }
  if (least_x > most_x) least_x = most_x = least_y = most_y = 0;
  const Scale across(x, least_x, most_x, kLeft, kWidth - kRight);
  const Scale up(y, least_y, most_y * 1.05, kHeight - kBottom, kTop);
  std::string out = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + number(kWidth) + " " +
                    number(kHeight) +
                    "' font-family='sans-serif' font-size='12'>\n<style>.grid{stroke:#ddd}"
                    "polyline{fill:none;stroke-width:1.5}</style>\n"
                    "<rect width='100%' height='100%' fill='white'/>\n";
  text(out, kWidth / 2, 18, "middle", title);
  draw_axes(out, across, up, x, y);
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const std::string colour = kColours[at % kColours.size()];
    out += "<polyline stroke='" + colour + "' points='";
    for (const auto& [px, py] : lines[at].points)
      out += number(across.place(px)) + "," + number(up.place(py)) + " ";
    out += "'/>\n<g fill='" + colour + "'>";
    text(out, kWidth - kRight, kTop + 16 * static_cast<double>(at), "end", lines[at].name);
    out += "</g>\n";
  }
  return out + "</svg>\n";
}

}  // namespace dropline::load
