#pragma once

#include <cstdint>
#include <span>

#include "dropline/base/clock.hpp"
#include "dropline/base/uuid.hpp"

namespace dropline {

/// Where randomness comes from. Injected, so that a seed repeats a run.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, bound); bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  [[nodiscard]] Uuid uuid4();
  [[nodiscard]] Uuid uuid7(Timestamp at);
};

/// The kernel's generator; any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

/// Repeats itself for a seed (splitmix64); one thread.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override;

 private:
  std::uint64_t state_;
};

}  // namespace dropline
