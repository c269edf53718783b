#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/worker/call_threads.hpp"

namespace dropline::notices {

enum class Outcome {
  told,
  refused,  ///< for good: it is not tried again
  failed,   ///< it is tried again
};
constexpr auto names_of(Outcome) {
  return std::to_array<std::string_view>({"told", "refused", "failed"});
}

struct Attempt {
  Uuid notice;
  std::int64_t number = 0;  ///< from 1
  Timestamp at;
  Outcome outcome = Outcome::failed;
  std::string detail;
};

/// What a target answers that will not have the notice, whatever is done: an address that does not
/// exist, say. Followed by why.
inline constexpr std::string_view kRefused = "refused: ";

/// Calls another target and remembers what came of it, until the notices' worker writes it down.
/// Of more than kMax the oldest are forgotten: the count in {calls} still knows of them.
///
/// Threads: call() from any; take() and give_back() on the loop's.
class RecordedTarget final : public worker::CallTarget {
 public:
  static constexpr std::size_t kMax = 10'000;
  static constexpr std::size_t kMaxDetail = 300;

  RecordedTarget(worker::CallTarget& target, const Clock& clock) : target_(target), clock_(clock) {}

  [[nodiscard]] Result<std::string> call(const worker::Call& call) override;

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::vector<Attempt> take();
  /// The transaction that was to keep them did not commit.
  void give_back(std::vector<Attempt> attempts);

 private:
  worker::CallTarget& target_;
  const Clock& clock_;
  mutable std::mutex lock_;
  std::vector<Attempt> attempts_;
};

}  // namespace dropline::notices
