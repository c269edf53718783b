#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::testing {

/// The whole of dropline, running, in the mode this program is built for.
class System {
 public:
  virtual ~System() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;  ///< of the ingress
  [[nodiscard]] virtual std::uint16_t admin_port() const = 0;
  /// Another ingress: a second process, or where there is one only, the one after a restart.
  [[nodiscard]] virtual std::uint16_t other_port() = 0;
  [[nodiscard]] virtual std::filesystem::path data_dir() const = 0;
  [[nodiscard]] virtual std::string topic(std::string_view logical) const = 0;
  /// What our own commands are told, to find it.
  [[nodiscard]] virtual std::vector<std::string> flags() const = 0;
  /// For who changes rows behind the services' backs.
  [[nodiscard]] virtual store::Session open_for_writing() = 0;
  /// For reading.
  [[nodiscard]] virtual stream::Stream& log() = 0;
  [[nodiscard]] virtual store::Session open() = 0;
  /// kill -9 of who works, or of one of those who do, and another in its place.
  virtual void kill_worker() = 0;
  /// Writes to the log behind the ingress's back, as an integrator or an intruder would.
  virtual void intrude(const std::function<void(stream::Producer&)>& write) = 0;
};

inline constexpr std::int32_t kPartitions = 4;

[[nodiscard]] std::unique_ptr<System> start_system();

/// Waits until `/readyz` says so.
void wait_ready(std::uint16_t port);

}  // namespace dropline::testing
