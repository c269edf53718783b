#include <algorithm>

#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"
#include "postgresql.hpp"
#include "scan.hpp"
#include "session_state.hpp"
#include "sqlite.hpp"
#include "table_sql.hpp"
#include "utf8.hpp"

namespace dropline::store {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

struct Numbered {
  std::string sql;
  std::vector<bool> used;  // by value
};

/// Turns `:name` into the place of the value of that name: $2 or ?2. `::` stays.
Result<Numbered> numbered(const Session::State& state, const Statement& statement,
                          std::string_view sql, std::span<const Params::Value> values) {
  const char mark = state.dialect == Dialect::postgresql ? '$' : '?';
  Numbered out{{}, std::vector<bool>(values.size())};
  out.sql.reserve(sql.size());
  for (std::size_t at = 0; at < sql.size();) {
    if (const std::size_t opaque = opaque_length(sql, at); opaque != 0) {
      out.sql.append(sql, at, opaque);
      at += opaque;
      continue;
    }
    if (sql.substr(at).starts_with("::")) {
      out.sql += "::";
      at += 2;
      continue;
    }
    if (sql[at] != ':' || at + 1 == sql.size() || !is_name_start(sql[at + 1])) {
      out.sql += sql[at++];
      continue;
    }
    std::size_t end = at + 1;
    while (end < sql.size() && is_name_part(sql[end]))
      ++end;
    const std::string_view name = sql.substr(at + 1, end - at - 1);
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const auto& value) { return value.name == name; });
    if (found == values.end()) {
      return state.make(Errc::bad_statement, statement.name,
                        "no value was given for :" + std::string(name));
    }
    const auto index = static_cast<std::size_t>(found - values.begin());
    out.used[index] = true;
    (out.sql += mark) += std::to_string(index + 1);
    at = end;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (out.used[i]) continue;
    return state.make(
        Errc::bad_statement, statement.name,
        "a value was given for :" + std::string(values[i].name) + ", which it does not name");
  }
  return out;
}

bool begins_with_select(std::string_view sql) {
  const auto at = sql.find_first_not_of(" \t\r\n");
  if (at == sql.npos) return false;
  std::string word(sql.substr(at, 6));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return word == "SELECT";
}

Result<const Prepared*> keep(Session::State& state, const Statement& statement,
                             std::span<const Params::Value> values) {
  std::string key(statement.service);
  for (const auto& value : values) {
    key.append("|").append(value.name);
    key += static_cast<char>((value.list ? 'A' : 'a') + static_cast<int>(value.type));
  }
  key.append("|").append(statement.sql);
  if (const auto found = state.prepared.find(key); found != state.prepared.end()) {
    return &found->second;
  }
  if (state.prepared.size() >= kMaxPreparedStatements) drop_prepared(state);
  const auto expanded = expand(state.dialect, statement.service, statement.sql);
  if (expanded.has_error()) {
    return state.failed(state.make(Errc::bad_statement, statement.name, expanded.error().detail));
  }
  const auto ready = numbered(state, statement, *expanded, values);
  if (ready.has_error()) return state.failed(ready.error());
  Prepared prepared;
  prepared.reads = begins_with_select(*expanded);
  Status status;
  if (state.dialect == Dialect::postgresql) {
    std::vector<Oid> types;
    for (const auto& value : values) {
      types.push_back(value.list ? postgresql::array_oid_of(value.type)
                                 : postgresql::oid_of(value.type));
    }
    status = postgresql::prepare(state, statement.name, ready->sql, types, prepared);
  } else {
    status = sqlite::prepare(state, statement.name, ready->sql, prepared);
  }
  if (status.has_error()) return status.error();
  return &state.prepared.emplace(std::move(key), std::move(prepared)).first->second;
}

Status check_texts(Session::State& state, const Statement& statement,
                   std::span<const Params::Value> values) {
  for (const auto& value : values) {
    if (value.type != Type::text && value.type != Type::json) continue;
    for (std::size_t row = 0; row < value.cells.rows(); ++row) {
      if (value.cells.is_null(row, 0) || is_plain_text(value.cells.raw(row, 0))) continue;
      return state.failed(state.make(Errc::bad_value, statement.name,
                                     ":" + std::string(value.name) + " is not UTF-8 without NUL"));
    }
  }
  return {};
}

/// A list as json_each() reads it.
std::string json_list(const Cells& cells) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string json = "[";
  for (std::size_t row = 0; row < cells.rows(); ++row) {
    if (row != 0) json += ',';
    if (cells.type(0) == Type::int64) {
      json += std::to_string(cells.int64(row, 0));
      continue;
    }
    json += '"';
    if (cells.type(0) == Type::uuid) {
      json += cells.uuid(row, 0).text();
    } else {
      for (const char c : cells.raw(row, 0)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
          json.append("\\u00") += kHex[byte >> 4];
          json += kHex[byte & 0xF];
        } else {
          if (c == '"' || c == '\\') json += '\\';
          json += c;
        }
      }
    }
    json += '"';
  }
  return json + "]";
}

/// Runs it; its rows go to `rows` where given. Gives the number of rows changed.
Result<std::size_t> run_postgresql(Session::State& state, const Statement& statement,
                                   const Prepared& prepared, std::span<const Params::Value> values,
                                   Cells* rows) {
  if (state.scratch.size() < values.size()) state.scratch.resize(values.size());
  std::vector<const std::string*> params(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string& out = state.scratch[i];
    out.clear();
    params[i] = &out;
    if (!values[i].list) {
      if (!postgresql::encode_cell(values[i].cells, 0, 0, out)) params[i] = nullptr;
      continue;
    }
    std::vector<std::uint32_t> all(values[i].cells.rows());
    for (std::uint32_t row = 0; row < all.size(); ++row)
      all[row] = row;
    postgresql::encode_array(values[i].cells, 0, all, out);
  }
  const Phase phase = prepared.reads ? Phase::read : Phase::write;
  const auto answer = postgresql::run(state, statement.name, prepared, params, phase);
  if (answer.has_error()) return answer.error();
  if (rows != nullptr) {
    if (auto status = postgresql::read(state, statement.name, answer->get(), *rows);
        status.has_error()) {
      return status.error();
    }
  }
  return postgresql::changed(answer->get());
}

Result<std::size_t> run_sqlite(Session::State& state, const Statement& statement,
                               const Prepared& prepared, std::span<const Params::Value> values,
                               Cells* rows) {
  std::string uuids(values.size() * Uuid::kTextLength, '\0');
  std::vector<std::string> lists(values.size());
  sqlite::Use use(state, statement.name, prepared);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int place = static_cast<int>(i) + 1;
    if (values[i].list) {
      lists[i] = json_list(values[i].cells);
      use.bind_text(place, lists[i]);
    } else {
      use.bind(place, values[i].cells, 0, 0, uuids.data() + i * Uuid::kTextLength);
    }
  }
  const auto before = sqlite_api::sqlite3_total_changes64(state.sqlite);
  if (auto status = use.run(rows, Phase::write); status.has_error()) return status.error();
  // A statement that changes no rows leaves the count of the one before it.
  if (sqlite_api::sqlite3_total_changes64(state.sqlite) == before) return std::size_t{0};
  return static_cast<std::size_t>(sqlite_api::sqlite3_changes64(state.sqlite));
}

Result<std::size_t> run(Session& session, const Statement& statement, const Params& params,
                        Cells* rows) {
  Session::State& state = session.state();
  if (auto status = state.before(Seam::statement, statement.name); status.has_error()) {
    return status.error();
  }
  const auto values = params.values();
  if (auto status = check_texts(state, statement, values); status.has_error()) {
    return status.error();
  }
  const auto prepared = keep(state, statement, values);
  if (prepared.has_error()) return prepared.error();
  return state.dialect == Dialect::postgresql
             ? run_postgresql(state, statement, **prepared, values, rows)
             : run_sqlite(state, statement, **prepared, values, rows);
}

}  // namespace

Result<Rows> query(Session& session, const Statement& statement, const Params& params,
                   std::initializer_list<Type> types) {
  Cells cells{std::vector<Type>(types)};
  const auto done = run(session, statement, params, &cells);
  if (done.has_error()) return done.error();
  return Rows(std::move(cells));
}

Result<std::size_t> change(Session& session, const Statement& statement, const Params& params) {
  return run(session, statement, params, nullptr);
}

}  // namespace dropline::store
