#include "rows_in_order.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "session_state.hpp"
#include "utf8.hpp"

namespace dropline::store {
namespace {

std::strong_ordering compare_keys(const Cells& cells, std::uint32_t a, std::uint32_t b,
                                  std::size_t key) {
  for (std::size_t column = 0; column < key; ++column) {
    const auto order = cells.compare(a, column, cells, b, column);
    if (order != std::strong_ordering::equal) return order;
  }
  return std::strong_ordering::equal;
}

std::string where(const Table& table, const RowBuffer& rows, std::size_t row, std::size_t column) {
  return std::string(table.columns[rows.columns()[column]].name) + " of row " +
         std::to_string(row + 1);
}

Status check(Session::State& state, std::string_view statement, const Table& table,
             const RowBuffer& rows, std::size_t key) {
  const Cells& cells = rows.cells();
  const auto refuse = [&](std::size_t row, std::size_t column, std::string_view what) {
    return state.failed(state.make(Errc::bad_value, statement,
                                   where(table, rows, row, column).append(" ").append(what)));
  };
  for (std::size_t column = 0; column < cells.columns(); ++column) {
    const bool text = cells.type(column) == Type::text || cells.type(column) == Type::json;
    if (!text && column >= key) continue;
    for (std::size_t row = 0; row < cells.rows(); ++row) {
      if (cells.is_null(row, column)) {
        if (column < key) return refuse(row, column, "is null, and part of a key");
      } else if (text && !is_plain_text(cells.raw(row, column))) {
        return refuse(row, column, "is not UTF-8 without NUL");
      }
    }
  }
  return {};
}

}  // namespace

Result<std::vector<std::uint32_t>> rows_in_order(Session::State& state, std::string_view statement,
                                                 const Table& table, const RowBuffer& rows,
                                                 std::size_t key, Twice twice) {
  const Cells& cells = rows.cells();
  ensure(!cells.mid_row(), "every row has all its cells");
  ensure(cells.rows() < 0xFFFFFFFF, "a buffer's rows can be counted");
  if (auto status = check(state, statement, table, rows, key); status.has_error()) {
    return status.error();
  }
  std::vector<std::uint32_t> order(cells.rows());
  for (std::uint32_t row = 0; row < order.size(); ++row)
    order[row] = row;
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return compare_keys(cells, a, b, key) < 0;
  };
  // Mostly they come sorted, because they were loaded sorted.
  if (!std::is_sorted(order.begin(), order.end(), before)) {
    std::stable_sort(order.begin(), order.end(), before);
  }
  const auto same = [&](std::uint32_t a, std::uint32_t b) {
    return compare_keys(cells, a, b, key) == 0;
  };
  if (twice == Twice::keep_first) {
    order.erase(std::unique(order.begin(), order.end(), same), order.end());
  } else if (const auto found = std::adjacent_find(order.begin(), order.end(), same);
             found != order.end()) {
    return state.failed(state.make(Errc::constraint, statement,
                                   "rows " + std::to_string(found[0] + 1) + " and " +
                                       std::to_string(found[1] + 1) + " have the same key"));
  }
  return order;
}

std::span<const std::uint32_t> next_part(const Cells& cells, std::span<const std::uint32_t> order) {
  if (order.size() <= kMaxRowsAStatement && cells.arena_size() <= kMaxBytesAStatement) return order;
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < order.size() && count < kMaxRowsAStatement && bytes < kMaxBytesAStatement) {
    for (std::size_t column = 0; column < cells.columns(); ++column) {
      const Type type = cells.type(column);
      const bool number = type == Type::int64 || type == Type::boolean;
      if (!number && !cells.is_null(order[count], column)) {
        bytes += cells.raw(order[count], column).size();
      }
    }
    ++count;
  }
  return order.first(count);
}

}  // namespace dropline::store
