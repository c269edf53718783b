#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dropline/base/random.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/memory.hpp"
#include "plan.hpp"

namespace dropline::simulation {

/// Which points at which something can go wrong were passed, and at which of them it did. Points
/// name themselves on first passage, so a new statement or seam is in the list by itself.
class Coverage final {
 public:
  void passed(const std::string& point) { ++points_[point].first; }
  void hit(const std::string& point) { ++points_[point].second; }
  void merge(const Coverage& other);

  [[nodiscard]] std::size_t points() const { return points_.size(); }
  [[nodiscard]] std::size_t hit_points() const;
  /// A line a point: passages, faults.
  [[nodiscard]] std::string report() const;
  /// How often points whose name begins so were struck; absent where there is none.
  [[nodiscard]] std::optional<std::uint64_t> struck(std::string_view prefix) const;

 private:
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> points_;
};

/// A process's faults: at every seam of its database and on every record it sends. Once it has
/// crashed nothing of it reaches database or log any more.
class ProcessFaults final : public store::Faults {
 public:
  ProcessFaults(std::uint64_t seed, const Plan& plan, Coverage& coverage);

  Status at(store::Seam seam, std::string_view statement) override;
  stream::SendFate fate(const stream::Draft& draft);
  /// At a call of the stream's port: an error is answered instead of doing it.
  Status at_port(std::string_view call);

  /// Called when the process dies at a seam, before anything else happens.
  std::function<void()> on_crash;

  [[nodiscard]] bool crashed() const noexcept { return crashed_; }
  void crash();
  /// It does not die while that is so; what it asks for may still fail.
  void spare(bool spared) noexcept { spared_ = spared; }
  /// From now on nothing goes wrong.
  void heal() noexcept { healed_ = true; }

 private:
  [[nodiscard]] bool strikes(const std::string& point);
  [[nodiscard]] bool kills(const std::string& point);

  SeededRandom random_;
  const Plan& plan_;
  Coverage& coverage_;
  std::map<std::string, std::uint64_t> seen_;
  std::uint64_t rarity_;  ///< one in so many, where a point was often passed
  bool crashed_ = false;
  bool spared_ = false;
  bool healed_ = false;
};

/// A process's stream: every call of the port is a point at which it can fail or die. A call that
/// is added to the port does not compile here until somebody has thought about it.
class FaultyStream final : public stream::Stream {
 public:
  /// Both must outlive it and all it hands out.
  FaultyStream(stream::Stream& inner, ProcessFaults& faults) : inner_(inner), faults_(faults) {}

  Result<std::unique_ptr<stream::Producer>> producer(stream::DeliveryHandler on_delivery) override;
  Result<std::unique_ptr<stream::Consumer>> consumer() override;
  Result<std::unique_ptr<stream::Membership>> join(const std::string& group,
                                                   const std::string& anchor_topic,
                                                   const std::string& member) override;
  Result<std::unique_ptr<stream::Admin>> admin(std::chrono::milliseconds limit) override;

 private:
  stream::Stream& inner_;
  ProcessFaults& faults_;
};

/// Every kind of point there is: the seams of the store, what can become of a record, the calls of
/// the stream's port, mishaps. Of each at least one must have been struck.
[[nodiscard]] std::vector<std::string> kinds_of_points();

/// The network's faults for what others send: every kind but a crash.
[[nodiscard]] stream::SendFate network_fate(Random& random, Coverage& coverage,
                                            const std::string& whose);

}  // namespace dropline::simulation
