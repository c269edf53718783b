#include "dropline/store/value.hpp"

#include <algorithm>
#include <cstring>

#include "dropline/base/ensure.hpp"

namespace dropline::store {
namespace {

constexpr bool is_number(Type type) noexcept {
  return type == Type::int64 || type == Type::boolean;
}

}  // namespace

std::string_view type_name(Type type) noexcept {
  switch (type) {
    case Type::uuid:
      return "uuid";
    case Type::text:
      return "text";
    case Type::int64:
      return "int64";
    case Type::boolean:
      return "boolean";
    case Type::bytes:
      return "bytes";
    case Type::json:
      return "json";
  }
  return "unknown";
}

Type Cells::take_column() {
  ensure(!types_.empty(), "cells have columns");
  const Type type = types_[next_];
  if (++next_ == types_.size()) next_ = 0;
  return type;
}

void Cells::put_null() {
  take_column();
  cells_.push_back({0, kNull});
}

void Cells::put_int64(std::int64_t value) {
  ensure(take_column() == Type::int64, "an int64 goes into an int64 column");
  cells_.push_back({static_cast<std::uint64_t>(value), 8});
}

void Cells::put_boolean(bool value) {
  ensure(take_column() == Type::boolean, "a boolean goes into a boolean column");
  cells_.push_back({value ? 1U : 0U, 1});
}

void Cells::put_uuid(const Uuid& value) {
  ensure(take_column() == Type::uuid, "a uuid goes into a uuid column");
  cells_.push_back({arena_.size(), 16});
  arena_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

void Cells::put_bytes(std::string_view value) {
  const Type type = take_column();
  ensure(!is_number(type) && type != Type::uuid, "text goes into a text, json or bytes column");
  ensure(value.size() < kNull, "a cell is shorter than 4 GiB");
  cells_.push_back({arena_.size(), static_cast<std::uint32_t>(value.size())});
  arena_.append(value);
}

const Cells::Cell& Cells::at(std::size_t row, std::size_t column) const {
  ensure(column < types_.size(), "the column exists");
  const std::size_t index = row * types_.size() + column;
  ensure(index < cells_.size(), "the row exists");
  return cells_[index];
}

bool Cells::is_null(std::size_t row, std::size_t column) const noexcept {
  return at(row, column).length == kNull;
}

std::int64_t Cells::int64(std::size_t row, std::size_t column) const {
  const Cell& cell = at(row, column);
  ensure(types_[column] == Type::int64, "the column holds int64");
  ensure(cell.length != kNull, "the cell is not null");
  return static_cast<std::int64_t>(cell.value);
}

bool Cells::boolean(std::size_t row, std::size_t column) const {
  const Cell& cell = at(row, column);
  ensure(types_[column] == Type::boolean, "the column holds booleans");
  ensure(cell.length != kNull, "the cell is not null");
  return cell.value != 0;
}

Uuid Cells::uuid(std::size_t row, std::size_t column) const {
  const Cell& cell = at(row, column);
  ensure(types_[column] == Type::uuid, "the column holds uuids");
  ensure(cell.length != kNull, "the cell is not null");
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), arena_.data() + cell.value, uuid.bytes.size());
  return uuid;
}

std::string_view Cells::bytes(std::size_t row, std::size_t column) const {
  ensure(column < types_.size() && types_[column] != Type::uuid, "the column holds text or bytes");
  return raw(row, column);
}

std::string_view Cells::raw(std::size_t row, std::size_t column) const {
  const Cell& cell = at(row, column);
  ensure(!is_number(types_[column]), "the column holds text or bytes");
  ensure(cell.length != kNull, "the cell is not null");
  return std::string_view(arena_).substr(cell.value, cell.length);
}

std::strong_ordering Cells::compare(std::size_t row, std::size_t column, const Cells& other,
                                    std::size_t other_row, std::size_t other_column) const {
  const Cell& a = at(row, column);
  const Cell& b = other.at(other_row, other_column);
  if (a.length == kNull || b.length == kNull) return (a.length != kNull) <=> (b.length != kNull);
  if (is_number(types_[column])) {
    return static_cast<std::int64_t>(a.value) <=> static_cast<std::int64_t>(b.value);
  }
  const std::string_view left(arena_.data() + a.value, a.length);
  const std::string_view right(other.arena_.data() + b.value, b.length);
  return left.compare(right) <=> 0;
}

Cells Cells::picked(std::span<const std::uint32_t> order) const {
  Cells result(types_);
  result.cells_.reserve(order.size() * types_.size());
  result.arena_ = arena_;
  for (const std::uint32_t row : order) {
    const Cell& first = at(row, 0);
    result.cells_.insert(result.cells_.end(), &first, &first + types_.size());
  }
  return result;
}

void Cells::reserve(std::size_t rows) {
  cells_.reserve(rows * types_.size());
}

void Cells::clear() noexcept {
  cells_.clear();
  arena_.clear();
  next_ = 0;
}

}  // namespace dropline::store
