#pragma once

#include <map>
#include <vector>

#include "dropline/base/random.hpp"
#include "dropline/worker/calls.hpp"

namespace dropline::testing {

/// Where calls end up: outlives the workers that are killed. Keeps what it was told, and how often.
struct Sink {
  std::vector<worker::Call> taken;  ///< each id once, as it came first
  std::map<Uuid, int> times;
  bool open = true;  ///< closed: nothing is taken

  void take(const worker::Call& call) {
    if (++times[call.id] == 1) taken.push_back(call);
  }
};

/// Makes calls whenever a test says so. What it loses is as a process that was killed loses it:
/// before the sink took it, or after, with the answer.
class SinkCaller final : public worker::Caller {
 public:
  SinkCaller(Sink& sink, Random& dice) : sink_(sink), dice_(dice) {}

  [[nodiscard]] std::size_t room() const override { return started_.size() < kMax ? kMax : 0; }
  void start(worker::Call call) override { started_.push_back(std::move(call)); }
  [[nodiscard]] std::vector<worker::Answer> take() override { return std::exchange(answers_, {}); }
  [[nodiscard]] bool has_answers() const override { return !answers_.empty(); }

  /// Each call under way is made, or its outcome never known.
  void work(bool lossy) {
    for (auto& call : std::exchange(started_, {})) {
      if (!sink_.open || (lossy && dice_.below(4) == 0)) continue;
      sink_.take(call);
      if (lossy && dice_.below(4) == 0) continue;
      answers_.push_back({call.id, call.shard, call.kind, call.request, {}});
    }
  }

 private:
  static constexpr std::size_t kMax = 64;
  Sink& sink_;
  Random& dice_;
  std::vector<worker::Call> started_;
  std::vector<worker::Answer> answers_;
};

}  // namespace dropline::testing
