#include "names.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "dropline/config/settings.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

/// Insertions, deletions, replacements and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string_view last_word(std::string_view name) noexcept {
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

bool good_name(std::string_view name) noexcept {
  bool starts_word = true;
  for (const char c : name) {
    const bool letter = c >= 'a' && c <= 'z';
    if (starts_word && !letter) return false;
    if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '.') return false;
    starts_word = c == '.';
  }
  return !starts_word;
}

bool looks_secret(std::string_view key) {
  for (const std::string_view word : {"password", "secret", "token", "pem", "jaas"}) {
    if (key.find(word) != std::string_view::npos) return true;
  }
  // "ssl.key.password" and "api_key", but not "partitioner.keyed" or where a key's file lies.
  const auto at = key.rfind("key");
  return at != std::string_view::npos && at + 3 == key.size();
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongest = 200;  // nobody mistypes more; bounds the work
  if (word.size() > kLongest) return {};
  const std::size_t allowed = std::clamp<std::size_t>(word.size() / 4, 1, 4);
  std::size_t best = allowed + 1;
  std::string found;
  for (const std::string& candidate : candidates) {
    const std::size_t edits = distance(word, candidate);
    if (edits < best) {
      best = edits;
      found = candidate;
    }
  }
  if (!found.empty()) return found;
  // The right key in the wrong section.
  for (const std::string& candidate : candidates) {
    if (candidate.find('.') == std::string::npos || last_word(candidate) != last_word(word))
      continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

}  // namespace dropline::config
