#include "dropline/base/ensure.hpp"
#include "dropline/store/table.hpp"

namespace dropline::store {
namespace {

std::vector<Type> types_of(const Table& table, const std::vector<std::size_t>& columns) {
  std::vector<Type> types;
  types.reserve(columns.size());
  for (const std::size_t column : columns)
    types.push_back(table.columns[column].type);
  return types;
}

std::vector<std::size_t> first_columns(std::size_t count) {
  std::vector<std::size_t> columns(count);
  for (std::size_t i = 0; i < count; ++i)
    columns[i] = i;
  return columns;
}

}  // namespace

RowBuffer::RowBuffer(const Table& table) : RowBuffer(table, first_columns(table.columns.size())) {}

RowBuffer::RowBuffer(const Table& table, std::vector<std::size_t> columns)
    : columns_(std::move(columns)), cells_(types_of(table, columns_)) {
  ensure(!table.columns.empty() && table.key >= 1 && table.key <= table.columns.size(),
         "a table has columns, and its key is some of the first of them");
}

RowBuffer RowBuffer::keys(const Table& table) {
  return {table, first_columns(table.key)};
}

RowBuffer RowBuffer::keys(const Table& table, std::initializer_list<std::string_view> names) {
  ensure(names.size() > 0, "a key has columns");
  std::vector<std::size_t> columns;
  for (const std::string_view name : names) {
    std::size_t column = 0;
    while (column < table.columns.size() && table.columns[column].name != name)
      ++column;
    ensure(column < table.columns.size(), "a key's columns are the table's");
    columns.push_back(column);
  }
  return {table, std::move(columns)};
}

RowBuffer& RowBuffer::add(std::string_view value) {
  cells_.put_bytes(value);
  return *this;
}

RowBuffer& RowBuffer::add(std::span<const std::uint8_t> value) {
  return add(std::string_view(reinterpret_cast<const char*>(value.data()), value.size()));
}

RowBuffer& RowBuffer::add(const Uuid& value) {
  cells_.put_uuid(value);
  return *this;
}

RowBuffer& RowBuffer::null() {
  cells_.put_null();
  return *this;
}

RowBuffer& RowBuffer::add_boolean(bool value) {
  cells_.put_boolean(value);
  return *this;
}

RowBuffer& RowBuffer::add_int64(std::int64_t value) {
  cells_.put_int64(value);
  return *this;
}

void RowBuffer::clear() noexcept {
  cells_.clear();
}

Cells& Params::place(std::string_view name, Type type, bool list) {
  return values_.emplace_back(Value{name, type, list, Cells({type})}).cells;
}

Params& Params::add(std::string_view name, std::string_view text) {
  place(name, Type::text, false).put_bytes(text);
  return *this;
}

Params& Params::add(std::string_view name, const Uuid& value) {
  place(name, Type::uuid, false).put_uuid(value);
  return *this;
}

Params& Params::add_boolean(std::string_view name, bool value) {
  place(name, Type::boolean, false).put_boolean(value);
  return *this;
}

Params& Params::add_int64(std::string_view name, std::int64_t value) {
  place(name, Type::int64, false).put_int64(value);
  return *this;
}

Params& Params::add_bytes(std::string_view name, std::string_view value) {
  place(name, Type::bytes, false).put_bytes(value);
  return *this;
}

Params& Params::add_null(std::string_view name, Type type) {
  place(name, type, false).put_null();
  return *this;
}

Params& Params::add_list(std::string_view name, std::span<const std::int64_t> values) {
  Cells& cells = place(name, Type::int64, true);
  for (const std::int64_t value : values)
    cells.put_int64(value);
  return *this;
}

Params& Params::add_list(std::string_view name, std::span<const Uuid> values) {
  Cells& cells = place(name, Type::uuid, true);
  for (const Uuid& value : values)
    cells.put_uuid(value);
  return *this;
}

Params& Params::add_list(std::string_view name, std::span<const std::string_view> values) {
  Cells& cells = place(name, Type::text, true);
  for (const std::string_view value : values)
    cells.put_bytes(value);
  return *this;
}

}  // namespace dropline::store
