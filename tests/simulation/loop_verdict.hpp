#pragma once

#include <map>
#include <string>

#include "dropline/contracts/outgoing.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"
#include "services.hpp"
#include "stage.hpp"

namespace dropline::simulation {

/// What the loop promises of every service: it has read all there is, everything it said is in the
/// log, in order and without a gap, nothing is held or left in the outbox, and one bad record cost
/// one dead letter and no good one any.
void judge_loop(Findings& out, const LogCopy& log, const LogCopy::Speech& speech,
                store::Session& session, const Simulated& service,
                const std::map<Place, std::string>& bad);

/// Whether every position stands at its topic's end and the outbox is empty. State topics are not
/// asked: a service follows its own, and every heartbeat is news.
[[nodiscard]] bool has_read_everything(stream::Stream& stream, store::Session& session,
                                       const Simulated& service);

/// Which records of a topic are bad by its contract alone, for a service that reads these types.
template <contracts::Message... Ts>
void find_bad(std::map<Place, std::string>& bad, const LogCopy& log, std::string_view topic,
              bool commands, const contracts::CommandKeys& keys) {
  log.for_all_read(topic, [&](const stream::Record& record, const contracts::Envelope* envelope) {
    const Place place{std::string(topic), record.partition, record.offset};
    if (!envelope) {
      bad.emplace(place, "bad_envelope");
      return;
    }
    const contracts::Arrival arrival{record.key.value_or(""), record.partition, kPartitions};
    const auto look = [&]<class T>(T*) {
      if (envelope->type != T::kType) return false;
      const auto accepted = contracts::accept<T>(*envelope, arrival, keys);
      if (!accepted) bad.emplace(place, accepted.error().code.message());
      return true;
    };
    if (!(look(static_cast<Ts*>(nullptr)) || ...) && commands) bad.emplace(place, "unknown_type");
  });
}

}  // namespace dropline::simulation
