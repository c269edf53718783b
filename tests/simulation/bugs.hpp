#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::simulation {

/// Something that works against the cluster between two turns.
class Sabotage {
 public:
  virtual ~Sabotage() = default;
  virtual void turn(store::Session& session) = 0;
};

/// A fault of the program, planted from outside: in the stream or the service that a worker is
/// handed, or as a trigger that makes the database keep something else than it was told. The
/// invariants must find each.
struct Bug {
  /// Whether a run of that plan has what the bug is planted in.
  [[nodiscard]] bool fits(bool embedded) const {
    return !embedded || (!stream && !line && sql.find("_outbox") == std::string::npos);
  }

  std::string_view owner;  ///< the service, or "loop" or "ingress"
  std::string_view name;
  std::string sql{};
  std::function<std::unique_ptr<stream::Stream>(stream::Stream&)> stream{};
  std::function<std::unique_ptr<worker::Service>(std::unique_ptr<worker::Service>)> service{};
  std::function<std::unique_ptr<Sabotage>()> sabotage{};
  std::function<std::unique_ptr<stream::Stream>(stream::Stream&)> line{};  ///< an ingress's
};

[[nodiscard]] std::span<const Bug> all_bugs();

}  // namespace dropline::simulation
