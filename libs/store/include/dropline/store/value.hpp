#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/ids.hpp"
#include "dropline/base/time.hpp"
#include "dropline/base/uuid.hpp"

namespace dropline::store {

/// What a column holds. Timestamps are int64: microseconds since 1970.
enum class Type : std::uint8_t {
  uuid,     ///< PostgreSQL uuid; SQLite TEXT, lower case
  text,     ///< UTF-8 without NUL; ordered by byte
  int64,    ///< bigint (integer is read and written too); INTEGER
  boolean,  ///< boolean; INTEGER 0 or 1
  bytes,    ///< bytea; BLOB
  json,     ///< json, kept as written; TEXT. Comes ready-made, checked by PostgreSQL only
};

[[nodiscard]] std::string_view type_name(Type type) noexcept;

/// Cells of several columns, row by row, in one block of memory: no allocation a cell.
class Cells final {
 public:
  explicit Cells(std::vector<Type> types) : types_(std::move(types)) {}

  [[nodiscard]] std::size_t columns() const noexcept { return types_.size(); }
  [[nodiscard]] std::size_t rows() const noexcept {
    return types_.empty() ? 0 : cells_.size() / types_.size();
  }
  [[nodiscard]] Type type(std::size_t column) const noexcept { return types_[column]; }
  [[nodiscard]] std::span<const Type> types() const noexcept { return types_; }

  // Appending: the next cell of the row under way. The kind must fit the column (ensure).
  void put_null();
  void put_int64(std::int64_t value);
  void put_boolean(bool value);
  void put_uuid(const Uuid& value);
  void put_bytes(std::string_view value);  ///< text, json and bytes

  // Reading. The kind must fit the column and the cell must not be null (ensure).
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const noexcept;
  [[nodiscard]] std::int64_t int64(std::size_t row, std::size_t column) const;
  [[nodiscard]] bool boolean(std::size_t row, std::size_t column) const;
  [[nodiscard]] Uuid uuid(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::string_view bytes(std::size_t row, std::size_t column) const;
  /// As kept: the 16 bytes of a uuid; text, json and bytes as they are.
  [[nodiscard]] std::string_view raw(std::size_t row, std::size_t column) const;
  /// Order of two cells of columns of one kind: numbers by value, the rest by byte; null first.
  [[nodiscard]] std::strong_ordering compare(std::size_t row, std::size_t column,
                                             const Cells& other, std::size_t other_row,
                                             std::size_t other_column) const;
  /// The same rows in another order; `order` may leave some out.
  [[nodiscard]] Cells picked(std::span<const std::uint32_t> order) const;

  void reserve(std::size_t rows);
  void clear() noexcept;  ///< keeps the memory
  /// A row was begun and not finished.
  [[nodiscard]] bool mid_row() const noexcept { return next_ != 0; }
  /// Bytes of all texts, uuids and the like.
  [[nodiscard]] std::size_t arena_size() const noexcept { return arena_.size(); }

 private:
  /// A number in place, or where the cell's bytes stand in arena_.
  struct Cell {
    std::uint64_t value = 0;
    std::uint32_t length = 0;
  };
  static constexpr std::uint32_t kNull = 0xFFFFFFFF;

  Type take_column();
  [[nodiscard]] const Cell& at(std::size_t row, std::size_t column) const;

  std::vector<Type> types_;
  std::size_t next_ = 0;
  std::vector<Cell> cells_;
  std::string arena_;
};

/// What a statement answered. Owns its memory; any one thread.
class Rows final {
 public:
  /// One row of it; valid as long as the Rows.
  class Row final {
   public:
    Row(const Cells& cells, std::size_t row) : cells_(&cells), row_(row) {}

    [[nodiscard]] bool is_null(std::size_t column) const { return cells_->is_null(row_, column); }
    [[nodiscard]] std::int64_t int64(std::size_t column) const {
      return cells_->int64(row_, column);
    }
    [[nodiscard]] bool boolean(std::size_t column) const { return cells_->boolean(row_, column); }
    [[nodiscard]] Uuid uuid(std::size_t column) const { return cells_->uuid(row_, column); }
    template <class I>
    [[nodiscard]] I id(std::size_t column) const {
      return I(uuid(column));
    }
    /// text, json and bytes; a view into the Rows.
    [[nodiscard]] std::string_view text(std::size_t column) const {
      return cells_->bytes(row_, column);
    }
    [[nodiscard]] Timestamp time(std::size_t column) const { return from_unix_us(int64(column)); }

   private:
    const Cells* cells_;
    std::size_t row_;
  };

  class Iterator final {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const Cells& cells, std::size_t row) : cells_(&cells), row_(row) {}
    Row operator*() const { return {*cells_, row_}; }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    Iterator operator++(int) {
      auto before = *this;
      ++row_;
      return before;
    }
    bool operator==(const Iterator& other) const { return row_ == other.row_; }

   private:
    const Cells* cells_ = nullptr;
    std::size_t row_ = 0;
  };

  Rows() : cells_({}) {}
  explicit Rows(Cells cells) : cells_(std::move(cells)) {}

  [[nodiscard]] std::size_t size() const noexcept { return cells_.rows(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Row operator[](std::size_t row) const { return {cells_, row}; }
  [[nodiscard]] Row front() const { return {cells_, 0}; }
  [[nodiscard]] Iterator begin() const { return {cells_, 0}; }
  [[nodiscard]] Iterator end() const { return {cells_, size()}; }
  [[nodiscard]] const Cells& cells() const noexcept { return cells_; }

 private:
  Cells cells_;
};

}  // namespace dropline::store
