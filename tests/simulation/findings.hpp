#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dropline::simulation {

/// What a verdict collects: violations, a sentence each, and a hash of everything it has seen.
class Findings final {
 public:
  static constexpr std::size_t kMost = 12;  ///< told of one run

  void blame(std::string what) {
    if (violations_.size() < kMost) violations_.push_back(std::move(what));
  }
  void equal(const std::string& is, const std::string& expected, const std::string& what) {
    if (is != expected) blame(what + ":\n    is       " + is + "\n    expected " + expected);
  }
  void equal_number(std::int64_t is, std::int64_t expected, const std::string& what) {
    equal(std::to_string(is), std::to_string(expected), what);
  }
  /// FNV-1a, with a mark between texts.
  void mix(std::string_view bytes) {
    for (const char c : bytes)
      hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    hash_ = (hash_ ^ 0xFF) * 0x100000001B3ULL;
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

 private:
  std::vector<std::string> violations_;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

}  // namespace dropline::simulation
