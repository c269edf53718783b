#include "repeat_limit.hpp"

#include <algorithm>

namespace dropline::telemetry::log {

Kept Kept::of(const Draft& draft) {
  Kept kept{draft.level,
            std::string(draft.logger),
            std::string(draft.message.substr(0, kMaxTextBytes)),
            std::string(draft.trace_id),
            draft.at,
            {},
            0};
  const auto fields = draft.fields.first(std::min(draft.fields.size(), kMaxFields));
  kept.fields.reserve(fields.size());
  for (const Field& field : fields)
    kept.fields.emplace_back(field.key, field.value.owned());
  return kept;
}

bool RepeatLimit::admit(const Draft& draft, Time now) {
  if (burst_ == 0 || draft.level < Level::info) return true;
  std::string key;
  key.reserve(draft.logger.size() + draft.message.size() + 2);
  key += static_cast<char>('0' + static_cast<int>(draft.level));
  key += draft.logger;
  key += '\0';
  key += draft.message.substr(0, kMaxTextBytes);
  auto found = windows_.find(key);
  if (found == windows_.end()) {
    if (windows_.size() >= kMaxWindows) {
      std::erase_if(windows_, [&](const auto& entry) {
        return entry.second.ends <= now && entry.second.last.repeated == 0;
      });
      if (windows_.size() >= kMaxWindows) return true;
    }
    found = windows_.emplace(std::move(key), Window{now + window_, 0, {}}).first;
  }
  Window& window = found->second;
  if (window.ends <= now && window.last.repeated == 0) window = Window{now + window_, 0, {}};
  if (window.written < burst_) {
    ++window.written;
    return true;
  }
  const std::uint64_t repeated = window.last.repeated + 1;
  window.last = Kept::of(draft);
  window.last.repeated = repeated;
  return false;
}

std::vector<Kept> RepeatLimit::close(Time now) {
  std::vector<Kept> closing;
  std::erase_if(windows_, [&](auto& entry) {
    if (entry.second.ends > now) return false;
    if (entry.second.last.repeated > 0) closing.push_back(std::move(entry.second.last));
    return true;
  });
  return closing;
}

RepeatLimit::Time RepeatLimit::next_close() const noexcept {
  Time next = Time::max();
  for (const auto& [key, window] : windows_) {
    if (window.last.repeated > 0) next = std::min(next, window.ends);
  }
  return next;
}

}  // namespace dropline::telemetry::log
