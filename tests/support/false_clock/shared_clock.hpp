#pragma once

#include <atomic>
#include <filesystem>

#include "dropline/base/ruling_clock.hpp"

namespace dropline::testing {

/// The machine's clock and how far a file says that the time is ahead of it: one time for all
/// processes that map the file, and for the database server that they ask. Any thread.
class SharedClock final : public RulingClock {
 public:
  /// Makes the file where it is missing, with nothing ahead. Throws std::system_error.
  explicit SharedClock(const std::filesystem::path& file);
  ~SharedClock() override;
  SharedClock(const SharedClock&) = delete;
  SharedClock& operator=(const SharedClock&) = delete;

  [[nodiscard]] Timestamp now() const override { return instead_of(machine_.now()); }
  /// The machine's: pauses and timeouts stay as long as they are.
  [[nodiscard]] Steady steady() const override { return machine_.steady(); }
  [[nodiscard]] Timestamp instead_of(Timestamp servers) const override {
    return servers + std::chrono::microseconds(ahead_->load());
  }

  /// Everybody's time, at once.
  void advance(std::chrono::microseconds by) { *ahead_ += by.count(); }

 private:
  SystemClock machine_;
  std::atomic<std::int64_t>* ahead_;
};

}  // namespace dropline::testing
