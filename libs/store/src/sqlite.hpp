#pragma once

#include <span>
#include <string>
#include <string_view>

#include "session_state.hpp"
#include "translate.hpp"

// Statements on the connection that SOCI opened. SQLite runs in this process: a statement kept
// parsed and bound again for each row costs less than passing the rows as JSON (README.md).
namespace dropline::store::sqlite {

[[nodiscard]] Status execute(Session::State& state, std::string_view name, std::string_view sql,
                             Phase phase);
[[nodiscard]] Status prepare(Session::State& state, std::string_view name, const std::string& sql,
                             Prepared& prepared);

/// One use of a statement kept: bound values must live until it ends.
class Use final {
 public:
  Use(Session::State& state, std::string_view name, const Prepared& prepared)
      : state_(state), name_(name), statement_(prepared.statement.get()) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { sqlite_api::sqlite3_reset(statement_); }

  /// Places count from 1. A uuid is written as text into `text`, 36 characters that live on.
  void bind(int place, const Cells& cells, std::size_t row, std::size_t column, char* uuid_text);
  void bind_text(int place, std::string_view text);
  /// Runs it to its end and appends its rows, if any, to `rows`.
  [[nodiscard]] Status run(Cells* rows, Phase phase);

 private:
  /// A value too large stays null: the statement must not run then.
  void note(int code) noexcept {
    if (code != SQLITE_OK) bind_code_ = code;
  }
  [[nodiscard]] Status read_row(Cells& rows);
  [[nodiscard]] bool put_cell(int column, Type type, Cells& rows);

  Session::State& state_;
  std::string_view name_;
  sqlite_api::sqlite3_stmt* statement_;
  int bind_code_ = SQLITE_OK;
};

}  // namespace dropline::store::sqlite
