#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dropline/audit/finding.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::audit {

struct Options {
  std::int32_t partitions = 16;  ///< of every topic
  std::string topic_prefix;
  /// How long services may take to read up to where the log ended when something was found that may
  /// be on its way. Zero: what was found then counts only where all of it had been read already.
  std::chrono::milliseconds patience{10'000};
  /// Read the topics too, and hold them against the tables; false: tables alone.
  bool read_log = true;
  /// Verifies commands of services; without it what they said on command topics is not held against
  /// them. Not owned.
  const contracts::CommandKeys* keys = nullptr;
};

/// What an audit came to.
struct Report {
  std::vector<Outcome> outcomes;  ///< one a check, in the order of the checks
  std::uint64_t records = 0;      ///< read from the log
  std::string unsettled;          ///< why what is at rest could not be told; empty: it could

  /// Nothing was found that counts: what may be on its way does not.
  [[nodiscard]] bool whole() const;
  /// Findings that count.
  [[nodiscard]] std::int64_t violations() const;
};

/// Holds every service's tables and topics against the invariants of the shop. Reads only: pass a
/// session that was opened read-only. Tables are asked by one statement a check, each a consistent
/// picture by itself; topics are read once, from their start. Memory grows with the longest topic
/// (about 32 bytes a record, 120 an order), not with rows or bodies.
///
/// Works while the shop works. A check of Reach::always is held at once. What a check of
/// Reach::at_rest finds is looked at twice: in between every service must have read, ten hops deep,
/// up to where the log ended, and have emptied its outbox; what then still reads the same is
/// lasting. Where the services do not get there within `patience` (one is stopped or far behind),
/// these findings are told as unsettled and do not count.
///
/// Blocks until done; one thread. A check that cannot be run (a table of another form) is itself a
/// finding, `unreadable`. An Error means that the database or the log could not be asked at all.
[[nodiscard]] Result<Report> audit(store::Session& session, stream::Stream& stream,
                                   const Clock& clock, const Options& options);

}  // namespace dropline::audit
