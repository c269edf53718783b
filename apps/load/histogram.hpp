#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace dropline::load {

/// Durations in microseconds, counted in buckets that are at most 1/32 wide of what they hold: up
/// to an hour, in 8 KB, and two of them can be added.
class Histogram final {
 public:
  void add(std::int64_t us) noexcept {
    ++counts_[bucket(us < 0 ? 0 : static_cast<std::uint64_t>(us))];
    ++count_;
  }
  void add(const Histogram& other) noexcept {
    for (std::size_t at = 0; at < counts_.size(); ++at)
      counts_[at] += other.counts_[at];
    count_ += other.count_;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  /// The upper end of the bucket in which the share `quantile` of all lies; 0 where there are none.
  [[nodiscard]] std::int64_t at(double quantile) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(quantile * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < counts_.size(); ++at) {
      seen += counts_[at];
      if (seen > wanted || (seen == count_ && seen > 0)) return upper_end(at);
    }
    return 0;
  }
  [[nodiscard]] double ms(double quantile) const noexcept {
    return static_cast<double>(at(quantile)) / 1'000.0;
  }

 private:
  static constexpr int kFineBits = 5;
  static constexpr std::uint64_t kFine = 1U << kFineBits;
  static constexpr std::size_t kBuckets = 32 * kFine;

  static std::size_t bucket(std::uint64_t us) noexcept {
    if (us < kFine) return us;
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - 1 - kFineBits;
    const auto at = (shift + 1) * kFine + ((us >> shift) - kFine);
    return at < kBuckets ? at : kBuckets - 1;
  }
  static std::int64_t upper_end(std::size_t at) noexcept {
    if (at < kFine) return static_cast<std::int64_t>(at);
    const auto shift = at / kFine - 1;
    return static_cast<std::int64_t>(((at % kFine + kFine + 1) << shift) - 1);
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace dropline::load
