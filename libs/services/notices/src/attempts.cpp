#include "dropline/notices/attempts.hpp"

#include <iterator>

namespace dropline::notices {

Result<std::string> RecordedTarget::call(const worker::Call& call) {
  const auto at = clock_.now();
  auto answer = target_.call(call);
  Attempt attempt{call.id, call.attempts + 1, at, Outcome::told, {}};
  if (!answer) {
    attempt.outcome = Outcome::failed;
    attempt.detail = answer.error().text().substr(0, kMaxDetail);
  } else if (answer->starts_with(kRefused)) {
    attempt.outcome = Outcome::refused;
    attempt.detail = answer->substr(kRefused.size(), kMaxDetail);
  }
  const std::lock_guard guard(lock_);
  if (attempts_.size() >= kMax) attempts_.erase(attempts_.begin());
  attempts_.push_back(std::move(attempt));
  return answer;
}

bool RecordedTarget::empty() const {
  const std::lock_guard guard(lock_);
  return attempts_.empty();
}

std::vector<Attempt> RecordedTarget::take() {
  const std::lock_guard guard(lock_);
  return std::exchange(attempts_, {});
}

void RecordedTarget::give_back(std::vector<Attempt> attempts) {
  const std::lock_guard guard(lock_);
  attempts_.insert(attempts_.begin(), std::make_move_iterator(attempts.begin()),
                   std::make_move_iterator(attempts.end()));
  if (attempts_.size() > kMax)
    attempts_.erase(attempts_.begin(),
                    attempts_.begin() + static_cast<std::ptrdiff_t>(attempts_.size() - kMax));
}

}  // namespace dropline::notices
