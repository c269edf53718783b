#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"

namespace dropline::testing {

/// What a shop under test stands in: nothing, or a town with a gateway, a bank and other platforms.
/// Made before the shop and gone after it.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  /// The time by which shop and tests live.
  [[nodiscard]] virtual const Clock& clock() const = 0;
  /// For every program of the shop.
  [[nodiscard]] virtual std::vector<std::string> flags() const = 0;
  /// The shop's keys are in `data_dir`, and it takes requests on `port`.
  virtual void shop_opens(const std::filesystem::path& data_dir, std::uint16_t port) = 0;
};

/// One definition in each program of tests: bare.cpp or town.cpp.
[[nodiscard]] Surroundings& surroundings();

}  // namespace dropline::testing
