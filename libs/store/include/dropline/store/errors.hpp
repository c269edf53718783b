#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::store {

/// What can go wrong with a database, the same for every dialect. An error's detail names the
/// database (its password never), the statement by its short name, what the server said and, where
/// there is one, the cure.
enum class Errc {
  // transient: roll back, discard the session where it is broken(), try the same again
  unreachable = 1,  ///< no connection: refused, timed out, starting up, shutting down, full
  connection_lost,  ///< the connection ended while in use; nothing was committed
  commit_unknown,   ///< the connection ended during COMMIT: it happened, or it did not
  deadlock,         ///< chosen as the victim of a deadlock; rolled back
  serialization,    ///< another transaction came first; rolled back
  busy,             ///< a lock was not to be had within its limit
  timed_out,        ///< a statement took longer than its limit, or was cancelled
  disk_full,        ///< the database cannot grow; nothing was lost
  out_of_memory,    ///< the database could not get memory or another resource for the statement
  // permanent
  constraint,     ///< a key, foreign key, check or not-null constraint refuses the rows
  bad_value,      ///< a value the column cannot hold: NUL in text, malformed UTF-8, overflow, …
  bad_statement,  ///< unknown table or column, syntax, missing right: the program's fault
  too_many_rows,  ///< the answer is longer than kMaxRowsAResult
  // fatal
  bad_config,      ///< the database's URL cannot be understood
  refused,         ///< user, password or database name are not accepted
  not_a_database,  ///< the file is something else, or damaged
  read_only,       ///< a write, but file or server only permit reading
  bad_migration,   ///< a migration's file is malformed, fails, or changed after it was applied
  schema_too_new,  ///< migrated by a newer program than this one
  schema_too_old,  ///< migrations are missing and this program may not apply them
  failed,          ///< anything else; the detail says what
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

}  // namespace dropline::store

template <>
struct std::is_error_code_enum<dropline::store::Errc> : std::true_type {};
