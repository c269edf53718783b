#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/store/table.hpp"

namespace dropline::store {

/// What to do about two rows of one key in a buffer.
enum class Twice { refuse, keep_first };

/// The rows of a buffer in the order of its first `key` columns, checked: no null in the key, text
/// that every dialect takes, no key twice.
[[nodiscard]] Result<std::vector<std::uint32_t>> rows_in_order(Session::State& state,
                                                               std::string_view statement,
                                                               const Table& table,
                                                               const RowBuffer& rows,
                                                               std::size_t key, Twice twice);

/// The first rows of `order` that make one statement.
[[nodiscard]] std::span<const std::uint32_t> next_part(const Cells& cells,
                                                       std::span<const std::uint32_t> order);

}  // namespace dropline::store
