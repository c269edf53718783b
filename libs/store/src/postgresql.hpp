#pragma once

#include <libpq-fe.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "session_state.hpp"
#include "translate.hpp"

// Statements on the connection that SOCI made, with binary parameters and answers, which SOCI does
// not offer (README.md has the measurements).
namespace dropline::store::postgresql {

struct ClearResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, ClearResult>;

[[nodiscard]] Oid oid_of(Type type) noexcept;
[[nodiscard]] Oid array_oid_of(Type type) noexcept;
/// "uuid", "bigint", …
[[nodiscard]] std::string_view sql_type(Type type) noexcept;

/// Parameter text: the cells of a column, in an order, as a binary array.
void encode_array(const Cells& cells, std::size_t column, std::span<const std::uint32_t> rows,
                  std::string& out);
/// One cell, binary; false: it is null.
bool encode_cell(const Cells& cells, std::size_t row, std::size_t column, std::string& out);

/// Sends SQL and waits for its last result, within the session's bound; null: the connection is of
/// no use any more.
[[nodiscard]] Answer send(Session::State& state, const char* sql);
/// Runs SQL as it stands.
[[nodiscard]] Status execute(Session::State& state, std::string_view name, std::string_view sql,
                             Phase phase);
/// Keeps a statement on the server; `prepared` receives its name.
[[nodiscard]] Status prepare(Session::State& state, std::string_view name, const std::string& sql,
                             std::span<const Oid> types, Prepared& prepared);
/// Runs a statement kept; parameters and answer are binary. An absent parameter is null.
[[nodiscard]] Result<Answer> run(Session::State& state, std::string_view name,
                                 const Prepared& prepared,
                                 std::span<const std::string* const> params, Phase phase);
/// Appends an answer's rows to `rows`, whose types it must convert to.
[[nodiscard]] Status read(Session::State& state, std::string_view name, const PGresult* answer,
                          Cells& rows);
[[nodiscard]] std::size_t changed(const PGresult* answer) noexcept;
[[nodiscard]] Result<Timestamp> now(Session::State& state);
/// Lets go of all statements kept.
void drop_prepared(Session::State& state);

}  // namespace dropline::store::postgresql
