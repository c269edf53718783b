#pragma once

#include <map>
#include <string>
#include <vector>

#include "dropline/base/random.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/worker/loop.hpp"
#include "dropline/worker/outbox.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::worker {

/// Collects what a transaction says, shard by shard, framed as it will travel. Can be taken back to
/// a mark, as savepoints are.
class Speech final {
 public:
  struct Parts {
    std::string service;
    std::string prefix;
    const contracts::CommandKeys& keys;
    Random& random;
    const Clock& clock;
    telemetry::Tracer* tracer;  ///< null: steps are told to nobody
  };
  explicit Speech(Parts parts) : parts_(std::move(parts)) {}

  /// Starts a transaction. `last_seq` of a shard is asked for when it first speaks.
  void begin(Timestamp now);
  void set_last_seq(Shard shard, std::int64_t seq) { last_seq_[shard] = seq; }

  void say(Shard from, const Emission& emission, const Incoming* cause);
  /// A copy of the record as it came, on the dead-letter topic, with the reason in its headers.
  void bury(const Incoming& incoming, std::string_view reason, std::string_view detail);

  using Mark = std::map<Shard, std::pair<std::size_t, std::int32_t>>;
  [[nodiscard]] Mark mark() const;
  void back_to(const Mark& mark);

  /// One parcel for each shard that spoke, in shard order.
  [[nodiscard]] std::vector<Outlet::Parcel> parcels() const;
  [[nodiscard]] std::size_t messages() const;

 private:
  struct Buffer {
    std::string frames = new_frames();
    std::int32_t count = 0;
  };

  [[nodiscard]] std::string next_trace(std::string_view type, const Incoming& cause) const;

  Parts parts_;
  Timestamp now_;
  Clock::Steady began_{};
  std::map<Shard, std::int64_t> last_seq_;
  std::map<Shard, Buffer> buffers_;
};

}  // namespace dropline::worker
