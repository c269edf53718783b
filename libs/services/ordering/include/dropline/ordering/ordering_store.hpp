#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/ordering/ordering.hpp"
#include "dropline/store/database.hpp"

namespace dropline::ordering {

/// Loads the rows there are of these orders, in one statement. Within the caller's transaction.
/// Duplicates do no harm.
[[nodiscard]] Result<Book> load(store::Session& session, std::vector<OrderKey> wanted);

/// Orders of these shards whose deadline is `now` or earlier, the longest due first, at most
/// `limit`. Within the caller's transaction.
[[nodiscard]] Result<Book> load_due(store::Session& session, std::span<const std::int32_t> shards,
                                    Timestamp now, std::size_t limit);

/// Orders of these shards, of that drop (absent: ordinary ones), that wait for something until
/// before `until`, in one statement beside load()'s. Within the caller's transaction.
[[nodiscard]] Result<Book> load_waiting(store::Session& session,
                                        std::span<const std::int32_t> shards,
                                        const std::optional<DropId>& drop, Timestamp until);

/// Writes what changed and removes what is gone, a statement each.
[[nodiscard]] Status save(store::Session& session, const Book& book);

}  // namespace dropline::ordering
