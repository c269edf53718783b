#include "sqlite.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/store/table.hpp"

namespace dropline::store::sqlite {

using namespace sqlite_api;

Status execute(Session::State& state, std::string_view name, std::string_view sql, Phase phase) {
  if (sqlite3_exec(state.sqlite, std::string(sql).c_str(), nullptr, nullptr, nullptr) ==
      SQLITE_OK) {
    return {};
  }
  return state.failed(sqlite_error(state, name, phase));
}

Status prepare(Session::State& state, std::string_view name, const std::string& sql,
               Prepared& prepared) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(state.sqlite, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  prepared.statement.reset(statement);
  if (code != SQLITE_OK) return state.failed(sqlite_error(state, name, Phase::read));
  if (statement == nullptr) {
    return state.failed(state.make(Errc::bad_statement, name, "it is empty"));
  }
  prepared.reads = sqlite3_stmt_readonly(statement) != 0;
  const std::string_view left(rest, static_cast<std::size_t>(sql.data() + sql.size() - rest));
  if (left.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return state.failed(state.make(Errc::bad_statement, name, "it is more than one statement"));
  }
  return {};
}

void Use::bind(int place, const Cells& cells, std::size_t row, std::size_t column,
               char* uuid_text) {
  int code = SQLITE_OK;
  if (cells.is_null(row, column)) {
    code = sqlite3_bind_null(statement_, place);
  } else {
    switch (cells.type(column)) {
      case Type::int64:
        code = sqlite3_bind_int64(statement_, place, cells.int64(row, column));
        break;
      case Type::boolean:
        code = sqlite3_bind_int64(statement_, place, cells.boolean(row, column) ? 1 : 0);
        break;
      case Type::uuid:
        cells.uuid(row, column).write_text(uuid_text);
        code = sqlite3_bind_text(statement_, place, uuid_text, Uuid::kTextLength, SQLITE_STATIC);
        break;
      case Type::text:
      case Type::json:
        bind_text(place, cells.raw(row, column));
        return;
      case Type::bytes: {
        const std::string_view bytes = cells.raw(row, column);
        // A null pointer would bind null.
        code = sqlite3_bind_blob64(statement_, place, bytes.empty() ? "" : bytes.data(),
                                   bytes.size(), SQLITE_STATIC);
        break;
      }
    }
  }
  note(code);
}

void Use::bind_text(int place, std::string_view text) {
  note(sqlite3_bind_text64(statement_, place, text.empty() ? "" : text.data(), text.size(),
                           SQLITE_STATIC, SQLITE_UTF8));
}

Status Use::run(Cells* rows, Phase phase) {
  if (bind_code_ != SQLITE_OK) {
    return state_.failed(
        state_.make(errc_of_sqlite(bind_code_, {}), name_, sqlite3_errstr(bind_code_)));
  }
  while (true) {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return state_.failed(sqlite_error(state_, name_, phase));
    if (rows == nullptr) continue;
    if (auto status = read_row(*rows); status.has_error()) return status;
  }
}

Status Use::read_row(Cells& rows) {
  const int columns = sqlite3_column_count(statement_);
  if (static_cast<std::size_t>(columns) != rows.columns()) {
    return state_.failed(state_.make(Errc::bad_statement, name_,
                                     "it answers " + std::to_string(columns) + " columns, not " +
                                         std::to_string(rows.columns())));
  }
  if (rows.rows() == kMaxRowsAResult) {
    return state_.failed(state_.make(Errc::too_many_rows, name_,
                                     "more than " + std::to_string(kMaxRowsAResult) + " rows"));
  }
  for (int column = 0; column < columns; ++column) {
    const Type type = rows.type(static_cast<std::size_t>(column));
    if (put_cell(column, type, rows)) continue;
    std::string text = "column " + std::to_string(column + 1);
    text.append(" (").append(sqlite3_column_name(statement_, column));
    text.append(") holds what is no ").append(type_name(type));
    return state_.failed(state_.make(Errc::bad_value, name_, text));
  }
  return {};
}

bool Use::put_cell(int column, Type type, Cells& rows) {
  const int kind = sqlite3_column_type(statement_, column);
  if (kind == SQLITE_NULL) {
    rows.put_null();
    return true;
  }
  if (type == Type::int64 || type == Type::boolean) {
    if (kind != SQLITE_INTEGER) return false;
    const std::int64_t value = sqlite3_column_int64(statement_, column);
    if (type == Type::int64) {
      rows.put_int64(value);
      return true;
    }
    if (value != 0 && value != 1) return false;
    rows.put_boolean(value == 1);
    return true;
  }
  if (kind != (type == Type::bytes ? SQLITE_BLOB : SQLITE_TEXT)) return false;
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  const std::string_view bytes(data == nullptr ? "" : data, size);
  if (type != Type::uuid) {
    rows.put_bytes(bytes);
    return true;
  }
  const auto uuid = Uuid::parse(bytes);
  if (!uuid) return false;
  rows.put_uuid(*uuid);
  return true;
}

}  // namespace dropline::store::sqlite
