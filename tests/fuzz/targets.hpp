#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace dropline::fuzz {

/// A way in: reads bytes that anybody may have sent, and must neither crash nor leak, whatever they
/// are. What holds of its answer is ensured.
struct Target {
  std::string_view name;  ///< of its corpus folder too
  void (*read)(std::string_view bytes);
};

[[nodiscard]] std::span<const Target> targets();

}  // namespace dropline::fuzz
