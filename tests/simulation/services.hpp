#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "dropline/worker/service.hpp"

namespace dropline::simulation {

/// A service that takes part: its name is also its schema's.
struct Simulated {
  std::string_view name;
  std::function<std::unique_ptr<worker::Service>()> make;
  worker::ServiceSpec spec{};  ///< what it reads
};

/// In the order in which an order visits them. A new service is a line here and, for what only it
/// promises, a verdict of its own.
[[nodiscard]] const std::vector<Simulated>& services();

}  // namespace dropline::simulation
