#pragma once

#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/feeds/feeds.hpp"
#include "dropline/store/database.hpp"
#include "dropline/worker/calls.hpp"

namespace dropline::feeds {

/// An event and its place in its member's partition.
struct Placed {
  Event event;
  std::int64_t position = 0;
  worker::Shard shard{};
};

/// The members among these with something in the backlog: one statement.
[[nodiscard]] Result<std::vector<MemberId>> waiting_among(store::Session& session,
                                                          std::span<const Uuid> members);

/// Adds events to the backlog; those that are in it already stay. One statement.
[[nodiscard]] Status add(store::Session& session, const std::vector<Placed>& events, Timestamp at);

/// Takes events off the backlog, and gives the call of what comes next of each of their members:
/// three statements.
[[nodiscard]] Result<std::vector<worker::Call>> take_off(store::Session& session,
                                                         std::span<const Uuid> events,
                                                         Timestamp now);

}  // namespace dropline::feeds
