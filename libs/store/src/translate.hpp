#pragma once

#include <libpq-fe.h>

#include <string_view>

#include "session_state.hpp"

// The one place that knows what errors of SOCI, libpq and SQLite mean to us.
namespace dropline::store {

/// What was under way, which decides what a lost connection means.
enum class Phase {
  read,    ///< nothing can have been changed for good
  write,   ///< inside a transaction likewise; outside it may have been
  commit,  ///< unknown
};

[[nodiscard]] Errc errc_of_sqlstate(std::string_view sqlstate) noexcept;
/// `code` may be an extended result code.
[[nodiscard]] Errc errc_of_sqlite(int code, std::string_view message) noexcept;

/// An error of the session's PostgreSQL connection; `result` may be null. Sets broken.
[[nodiscard]] Error postgresql_error(Session::State& state, std::string_view statement,
                                     const PGresult* result, Phase phase);
/// The last error of the session's SQLite connection.
[[nodiscard]] Error sqlite_error(Session::State& state, std::string_view statement, Phase phase);
/// The exception being handled, as SOCI's statements throw it.
[[nodiscard]] Error current_exception_error(Session::State& state, std::string_view statement,
                                            Phase phase);
/// A connection that could not be made, as libpq words it.
[[nodiscard]] Errc errc_of_connect_message(std::string_view message) noexcept;

}  // namespace dropline::store
