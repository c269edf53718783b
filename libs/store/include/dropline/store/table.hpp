#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/ensure.hpp"
#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/value.hpp"

namespace dropline::store {

struct Column {
  std::string_view name;
  Type type;
};

/// What this program knows of a table. The first `key` columns are its primary key. Names are the
/// program's own, lower-case identifiers; they are not quoted.
///
///   inline constexpr Column kOrderColumns[] = {{"order_id", Type::uuid}, {"state", Type::text}};
///   inline constexpr Table kOrders{"ordering", "orders", kOrderColumns, 1};
///
/// It is `ordering.orders` on PostgreSQL and `ordering_orders` on SQLite. The columns must outlive
/// it.
struct Table {
  std::string_view service;
  std::string_view name;
  std::span<const Column> columns;
  std::size_t key = 1;
};

/// Rows travel in statements of at most this many; more are split. A buffer holds any number.
inline constexpr std::size_t kMaxRowsAStatement = 4'096;
/// … and of about this many bytes.
inline constexpr std::size_t kMaxBytesAStatement = 16 * 1024 * 1024;
/// Longer answers are Errc::too_many_rows.
inline constexpr std::size_t kMaxRowsAResult = 1'000'000;

/// Rows to write, or keys to look for. Filled cell by cell, row by row:
///
///   RowBuffer rows(kOrders);
///   rows.add(order.id).add("reserved");
///
/// The number and kinds of cells must fit the columns (ensure: that is the program's own doing).
/// What comes from outside is checked when it is written: NUL or malformed UTF-8 in text and null
/// in a key are Errc::bad_value then, and nothing was sent. One thread at a time; may be cleared
/// and reused.
class RowBuffer final {
 public:
  /// Whole rows of `table`, in the order of its columns.
  explicit RowBuffer(const Table& table);
  /// Primary keys of `table`.
  [[nodiscard]] static RowBuffer keys(const Table& table);
  /// Values of other columns to look for.
  [[nodiscard]] static RowBuffer keys(const Table& table,
                                      std::initializer_list<std::string_view> columns);

  RowBuffer& add(std::string_view value);  ///< text, json, bytes
  RowBuffer& add(const std::string& value) { return add(std::string_view(value)); }
  RowBuffer& add(const char* value) { return add(std::string_view(value)); }
  RowBuffer& add(std::span<const std::uint8_t> value);
  RowBuffer& add(const Uuid& value);
  template <class Tag>
  RowBuffer& add(const Id<Tag>& value) {
    return add(value.uuid());
  }
  RowBuffer& add(std::same_as<bool> auto value) { return add_boolean(value); }
  template <std::integral I>
  requires(!std::same_as<I, bool> && !std::same_as<I, char>) RowBuffer& add(I value) {
    ensure(std::in_range<std::int64_t>(value), "a number fits into int64");
    return add_int64(static_cast<std::int64_t>(value));
  }
  RowBuffer& add(Timestamp value) { return add_int64(unix_us(value)); }
  RowBuffer& null();
  template <class T>
  RowBuffer& add(const std::optional<T>& value) {
    return value ? add(*value) : null();
  }

  [[nodiscard]] std::size_t size() const noexcept { return cells_.rows(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  void reserve(std::size_t rows) { cells_.reserve(rows); }
  void clear() noexcept;  ///< keeps the memory

  [[nodiscard]] const Cells& cells() const noexcept { return cells_; }
  /// Indexes into the table's columns.
  [[nodiscard]] std::span<const std::size_t> columns() const noexcept { return columns_; }

 private:
  RowBuffer(const Table& table, std::vector<std::size_t> columns);
  RowBuffer& add_boolean(bool value);
  RowBuffer& add_int64(std::int64_t value);

  std::vector<std::size_t> columns_;
  Cells cells_;
};

enum class OnConflict { fail, ignore };
enum class Lock { none, for_update };

// Set-based reads and writes: one statement for up to kMaxRowsAStatement rows, prepared once a
// session. All of them visit rows in key order (bytes of text and uuids, numbers by value),
// whatever order they were added in, so that two transactions do not lock the same rows crosswise.
// Outside a Transaction a write is a transaction of its own, all rows or none. An empty buffer is
// no statement. Each blocks for the database's answer.

/// Adds rows. OnConflict::fail: a row whose key exists is Errc::constraint. ignore: it stays as it
/// is. Gives the number of rows added. Two rows of one key in the buffer: Errc::constraint (fail),
/// the first counts (ignore).
Result<std::size_t> insert(Session& session, const Table& table, const RowBuffer& rows,
                           OnConflict on_conflict = OnConflict::fail);

/// Adds rows, or replaces all columns that are not the key. Two rows of one key in the buffer:
/// Errc::constraint, and nothing was sent.
Status upsert(Session& session, const Table& table, const RowBuffer& rows);

/// Adds rows, or where the key exists adds each int64 column that is not the key to what is there;
/// other columns are replaced. For counters and balances, summed up by key beforehand: two rows of
/// one key are Errc::constraint. A sum beyond int64 is Errc::bad_value.
Status add_to(Session& session, const Table& table, const RowBuffer& rows);

/// All columns of the rows that match one of the keys, in primary key order; what is not there is
/// left out. `keys` holds values of primary key or other columns (index them). for_update locks the
/// rows, in key order, until the transaction ends; SQLite's transactions own every row anyway. All
/// is read as of one moment, up to kMaxRowsAStatement keys on PostgreSQL.
Result<Rows> load(Session& session, const Table& table, const RowBuffer& keys,
                  Lock lock = Lock::none);

/// Removes the rows that match one of the keys; gives their number.
Result<std::size_t> erase(Session& session, const Table& table, const RowBuffer& keys);

/// Values for the `:name` places of a statement; each must be given, each is used as often as it
/// stands there. Values are copied; the names are not.
class Params final {
 public:
  Params& add(std::string_view name, std::string_view text);
  Params& add(std::string_view name, const std::string& text) {
    return add(name, std::string_view(text));
  }
  Params& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  Params& add(std::string_view name, const Uuid& value);
  template <class Tag>
  Params& add(std::string_view name, const Id<Tag>& value) {
    return add(name, value.uuid());
  }
  Params& add(std::string_view name, std::same_as<bool> auto value) {
    return add_boolean(name, value);
  }
  template <std::integral I>
  requires(!std::same_as<I, bool> && !std::same_as<I, char>) Params& add(std::string_view name,
                                                                         I value) {
    return add_int64(name, static_cast<std::int64_t>(value));
  }
  Params& add(std::string_view name, Timestamp value) { return add_int64(name, unix_us(value)); }
  Params& add_bytes(std::string_view name, std::string_view value);
  Params& add_null(std::string_view name, Type type);
  /// For `{any:name:type}`.
  Params& add_list(std::string_view name, std::span<const std::int64_t> values);
  Params& add_list(std::string_view name, std::span<const Uuid> values);
  Params& add_list(std::string_view name, std::span<const std::string_view> values);

  struct Value {
    std::string_view name;
    Type type;
    bool list = false;
    Cells cells;  ///< one column
  };
  [[nodiscard]] std::span<const Value> values() const noexcept { return values_; }

 private:
  Params& add_boolean(std::string_view name, bool value);
  Params& add_int64(std::string_view name, std::int64_t value);
  Cells& place(std::string_view name, Type type, bool list);

  std::vector<Value> values_;
};

/// A hand-written statement for both dialects, prepared once a session. In `sql` stand:
///   {orders}             a table of `service` (see migrations.hpp for the other words in braces)
///   :name                a value of Params
///   {any:name:type}      after a column: "= ANY(…)" / "IN (…)" of a list, e.g.
///                        `WHERE shard {any:shards:int64}`
///   {for_update}         "FOR UPDATE" / nothing
///   -- only postgresql … -- end, -- only sqlite … -- end     lines for one dialect
struct Statement {
  std::string_view name;  ///< what errors and traces call it
  std::string_view service;
  std::string_view sql;
};

/// Runs it and reads its answer, whose columns must be as many as `types` and convert to them.
Result<Rows> query(Session& session, const Statement& statement, const Params& params,
                   std::initializer_list<Type> types);

/// Runs it; gives the number of rows changed.
Result<std::size_t> change(Session& session, const Statement& statement, const Params& params);

}  // namespace dropline::store
