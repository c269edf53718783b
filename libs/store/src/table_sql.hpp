#pragma once

#include <span>
#include <string>

#include "dropline/store/table.hpp"

namespace dropline::store {

enum class Verb { insert, insert_new, upsert, add_to, load, load_locked, lock, erase };

[[nodiscard]] std::string_view verb_name(Verb verb) noexcept;

/// PostgreSQL: $1, $2, … are arrays, one a column given. SQLite: ?1, ?2, … are one row's cells.
[[nodiscard]] std::string table_sql(Dialect dialect, Verb verb, const Table& table,
                                    std::span<const std::size_t> columns);

/// Lets go of all statements a session keeps.
void drop_prepared(Session::State& state);

}  // namespace dropline::store
