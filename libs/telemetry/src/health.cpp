#include "dropline/telemetry/health.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "dropline/base/ensure.hpp"
#include "escape.hpp"

namespace dropline::telemetry {
namespace {

std::string for_people(std::chrono::milliseconds since) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since).count();
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds / 3600) + " h";
}

}  // namespace

struct Health::Component::State {
  std::mutex mutex;
  std::optional<Problem> problem = Problem{"starting", ""};
};

struct Health::State {
  struct Entry {
    std::string name;
    Check check;
    Effect effect;
    bool failing = false;
    Clock::Steady changed;
  };

  explicit State(const Clock& clock_in) : clock(clock_in) {}

  const Clock& clock;
  std::mutex mutex;  // held while asking, so that a check taken back is not running
  std::map<std::uint64_t, Entry> entries;
  std::uint64_t last = 0;
  std::optional<Clock::Steady> draining;
};

Health::Health(const Clock& clock) : state_(std::make_unique<State>(clock)) {}
Health::~Health() = default;

Health::Registration Health::add(std::string component, Check check, Effect effect) {
  ensure(static_cast<bool>(check) && !component.empty(), "a health check has a name and a check");
  const std::lock_guard lock(state_->mutex);
  const std::uint64_t id = ++state_->last;
  state_->entries.emplace(id, State::Entry{std::move(component), std::move(check), effect, false,
                                           state_->clock.steady()});
  return Registration(this, id);
}

Health::Registration Health::add_text(std::string component, std::function<std::string()> health,
                                      std::string cure, Effect effect) {
  return add(
      std::move(component),
      [health = std::move(health), cure = std::move(cure)]() -> std::optional<Problem> {
        std::string cause = health();
        if (cause.empty()) return std::nullopt;
        return Problem{std::move(cause), cure};
      },
      effect);
}

Health::Component Health::component(std::string name, Effect effect) {
  Component component;
  component.state_ = std::make_shared<Component::State>();
  component.registration_ = add(
      std::move(name),
      [state = component.state_] {
        const std::lock_guard lock(state->mutex);
        return state->problem;
      },
      effect);
  return component;
}

void Health::Component::ok() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->problem.reset();
}

void Health::Component::failed(std::string cause, std::string cure) {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->problem = Problem{std::move(cause), std::move(cure)};
}

void Health::drain() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->draining) state_->draining = state_->clock.steady();
}

Health::Report Health::report() {
  const std::lock_guard lock(state_->mutex);
  const auto now = state_->clock.steady();
  const auto since = [&](Clock::Steady start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - start);
  };
  Report report;
  report.ready = true;
  for (auto& [id, entry] : state_->entries) {
    std::optional<Problem> problem;
    try {
      problem = entry.check();
    } catch (const std::exception& failure) {
      problem = Problem{std::string("the check failed: ") + failure.what(), ""};
    } catch (...) {
      problem = Problem{"the check failed", ""};
    }
    if (problem.has_value() != entry.failing) {
      entry.failing = problem.has_value();
      entry.changed = now;
    }
    if (problem && entry.effect == Effect::required) report.ready = false;
    report.lines.push_back({entry.name, entry.effect, std::move(problem), since(entry.changed)});
  }
  std::stable_sort(report.lines.begin(), report.lines.end(),
                   [](const Line& a, const Line& b) { return a.component < b.component; });
  if (state_->draining) {
    report.ready = false;
    report.lines.push_back({"shutdown", Effect::required,
                            Problem{"this process is draining and takes no new work", ""},
                            since(*state_->draining)});
  }
  return report;
}

void Health::remove(std::uint64_t id) noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->entries.erase(id);
}

Health::Registration::Registration(Registration&& other) noexcept
    : health_(std::exchange(other.health_, nullptr)), id_(other.id_) {}

Health::Registration& Health::Registration::operator=(Registration&& other) noexcept {
  if (this == &other) return *this;
  if (health_) health_->remove(id_);
  health_ = std::exchange(other.health_, nullptr);
  id_ = other.id_;
  return *this;
}

Health::Registration::~Registration() {
  if (health_) health_->remove(id_);
}

std::string Health::Report::text() const {
  std::string out;
  for (const Line& line : lines) {
    if (!line.problem) {
      out += "[+] ";
      append_printable(out, line.component);
      out += ": ok\n";
      continue;
    }
    out += line.effect == Effect::required ? "[-] " : "[!] ";
    append_printable(out, line.component);
    out += ": ";
    append_printable(out, line.problem->cause);
    out += " (for " + for_people(line.since) + ")";
    if (!line.problem->cure.empty()) {
      out += "; ";
      append_printable(out, line.problem->cure);
    }
    out += '\n';
  }
  out += ready ? "ready\n" : "not ready\n";
  return out;
}

std::string Health::Report::json() const {
  std::string out = ready ? R"({"ready":true,"components":[)" : R"({"ready":false,"components":[)";
  bool first = true;
  for (const Line& line : lines) {
    if (!std::exchange(first, false)) out += ',';
    out += R"({"name":)";
    append_json_string(out, line.component);
    out += line.problem ? R"(,"ok":false)" : R"(,"ok":true)";
    out += line.effect == Effect::required ? R"(,"required":true)" : R"(,"required":false)";
    out += R"(,"since_ms":)";
    append_number(out, static_cast<std::int64_t>(line.since.count()));
    if (line.problem) {
      out += R"(,"cause":)";
      append_json_string(out, line.problem->cause);
      if (!line.problem->cure.empty()) {
        out += R"(,"cure":)";
        append_json_string(out, line.problem->cure);
      }
    }
    out += '}';
  }
  out += "]}\n";
  return out;
}

}  // namespace dropline::telemetry
