#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "dropline/telemetry/metrics.hpp"

using namespace dropline::telemetry;

namespace {

std::string file(const std::string& path) {
  std::ifstream in(std::string(DROPLINE_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << in.rdbuf();
  INFO("a file of the repository: " << path);
  REQUIRE(in.good());
  return text.str();
}

bool part_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// Every word that begins with dropline_, without the endings of a histogram's series.
std::set<std::string> metric_names(const std::string& text) {
  std::set<std::string> names;
  for (std::size_t at = 0; (at = text.find("dropline_", at)) != std::string::npos;) {
    std::size_t end = at;
    while (end < text.size() && part_of_name(text[end]))
      ++end;
    std::string name = text.substr(at, end - at);
    for (const std::string ending : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(ending)) name.resize(name.size() - ending.size());
    }
    if (at == 0 || !part_of_name(text[at - 1])) names.insert(name);
    at = end;
  }
  return names;
}

}  // namespace

TEST_CASE("alerts and dashboard read only metrics that the table of the house names") {
  const std::set<std::string> known = metric_names(file("libs/telemetry/README.md"));
  CHECK(known.size() > 30);
  for (const std::string path : {"infra/prometheus/alerts.yml", "infra/grafana/dropline.json"}) {
    const auto used = metric_names(file(path));
    CHECK(used.size() > 10);
    for (const std::string& name : used) {
      CAPTURE(path);
      CAPTURE(name);
      CHECK(known.contains(name));
    }
  }
}

TEST_CASE("the names of the table follow the convention") {
  for (const std::string& name : metric_names(file("libs/telemetry/README.md"))) {
    if (name == "dropline_" || name == "dropline_http_") continue;  // prefixes in the text
    CAPTURE(name);
    const bool counter = name.ends_with("_total");
    CHECK(check_metric_name(counter ? MetricKind::counter : MetricKind::gauge, name) == "");
  }
}
