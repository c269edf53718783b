#include "report.hpp"

#include <fstream>
#include <iomanip>
#include <iostream>
#include <locale>

#include "dropline/config/errors.hpp"
#include "dropline/contracts/json.hpp"
#include "plot.hpp"

namespace dropline::load {
namespace {

constexpr double kP50 = 0.5, kP99 = 0.99, kP999 = 0.999;

std::string fixed(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

/// Milliseconds as whole microseconds: JSON's numbers here are whole.
void quantiles(contracts::JsonWriter& json, const Histogram& latency) {
  json.name("p50_us");
  json.number(latency.at(kP50));
  json.name("p99_us");
  json.number(latency.at(kP99));
  json.name("p999_us");
  json.number(latency.at(kP999));
}

}  // namespace

void print(std::ostream& out, const Outcome& outcome) {
  const auto& [plan, figures, totals, answered_per_s, paid_per_s, lag_s, verdict] = outcome;
  out << "\nload          " << name_of(plan.scenario) << ", "
      << (plan.rush.rate > 0 ? fixed(plan.rush.rate, 0) + " arrivals a second" : "closed loop")
      << ", " << plan.rush.connections << " connections, " << plan.members << " members, "
      << plan.skus << " SKUs in " << plan.drops << " drops, "
      << fixed(static_cast<double>(plan.rush.length.count()) / 1000, 0) << " s\n"
      << "answered      " << fixed(answered_per_s, 0) << " a second\n";
  if (plan.scenario == Scenario::orders)
    out << "paid          " << fixed(paid_per_s, 0) << " a second on the topic, the last "
        << fixed(lag_s, 2) << " s after the end\n";
  out << "latency       p50 " << fixed(figures.latency().ms(kP50), 1) << " ms, p99 "
      << fixed(figures.latency().ms(kP99), 1) << " ms, p99.9 "
      << fixed(figures.latency().ms(kP999), 1) << " ms, from the time a request was due\n";
  for (const auto& [kind, count] : figures.kinds())
    out << "  " << std::setw(10) << count << "  " << kind << '\n';
  if (totals.unsent > 0)
    out << "  " << std::setw(10) << totals.unsent << "  never sent: no connection was free\n";
  for (const auto& difference : verdict.differences)
    out << "WRONG         " << difference << '\n';
  out << "proof         " << verdict.compared << " orders held against the topic, "
      << verdict.wallets
      << " wallets against their orders: " << (verdict.good() ? "no difference" : "they differ")
      << '\n';
}

std::string to_json(const Outcome& outcome) {
  std::string text;
  contracts::JsonWriter json(text);
  const auto number = [&](std::string_view name, auto value) {
    json.name(name);
    json.number(static_cast<std::int64_t>(value));
  };
  const auto& plan = outcome.plan;
  json.open_object();
  json.name("scenario");
  json.plain(name_of(plan.scenario));
  number("rate", plan.rush.rate);
  number("connections", plan.rush.connections);
  number("members", plan.members);
  number("skus", plan.skus);
  number("drops", plan.drops);
  number("length_ms", plan.rush.length.count());
  number("sent", outcome.totals.sent);
  number("unsent", outcome.totals.unsent);
  number("lost", outcome.totals.lost);
  number("answered_per_s", outcome.answered_per_s);
  number("paid_per_s", outcome.paid_per_s);
  number("lag_ms", outcome.lag_s * 1000);
  quantiles(json, outcome.figures.latency());
  number("compared", outcome.verdict.compared);
  number("wallets", outcome.verdict.wallets);
  number("differences", outcome.verdict.differences.size());
  json.name("answers");
  json.open_object();
  for (const auto& [kind, count] : outcome.figures.kinds())
    number(kind, count);
  json.close_object();
  json.name("seconds");
  json.open_array();
  for (const auto& second : outcome.figures.seconds()) {
    json.open_object();
    number("answered", second.answered);
    quantiles(json, second.latency);
    json.close_object();
  }
  json.close_array();
  json.close_object();
  return text;
}

Status write_plots(const std::filesystem::path& folder, const Outcome& outcome) {
  Line answered{"answered a second", {}}, p50{"p50", {}}, p99{"p99", {}}, p999{"p99.9", {}};
  double at = 0;
  for (const auto& second : outcome.figures.seconds()) {
    answered.points.emplace_back(at, static_cast<double>(second.answered));
    p50.points.emplace_back(at, second.latency.ms(kP50));
    p99.points.emplace_back(at, second.latency.ms(kP99));
    p999.points.emplace_back(at, second.latency.ms(kP999));
    ++at;
  }
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const Axis time{"seconds", false};
  std::ofstream(folder / "throughput.svg") << plot("Throughput", time, {"1/s", false}, {answered});
  std::ofstream latency(folder / "latency.svg");
  latency << plot("Latency", time, {"ms", true}, {p50, p99, p999});
  latency.close();
  if (!latency)
    return config::error(config::Errc::unreadable_file,
                         (folder / "latency.svg").string() + " cannot be written");
  return {};
}

}  // namespace dropline::load
