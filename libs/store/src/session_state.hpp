#pragma once

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/value.hpp"

namespace dropline::store {

struct FinalizeStatement {
  void operator()(sqlite_api::sqlite3_stmt* statement) const noexcept {
    sqlite_api::sqlite3_finalize(statement);
  }
};

/// A statement the server or SQLite keeps parsed.
struct Prepared {
  std::string server_name;                                                 // PostgreSQL
  std::unique_ptr<sqlite_api::sqlite3_stmt, FinalizeStatement> statement;  // SQLite
  std::vector<std::size_t> params;  // of a hand-written statement: which Params value is the n-th
  bool reads = false;               // it cannot have changed anything
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

/// The heart of a Session. Transactions point to it, so it keeps its place when the session moves.
struct Session::State {
  State(Dialect dialect_of, std::string name_of, const Clock& clock_of, SessionOptions options_of)
      : dialect(dialect_of),
        name(std::move(name_of)),
        clock(&clock_of),
        options(std::move(options_of)) {}

  Dialect dialect;
  std::string name;
  const Clock* clock;
  SessionOptions options;
  soci::session session;
  PGconn* pg = nullptr;
  sqlite_api::sqlite3* sqlite = nullptr;
  // After the session, so that statements go before the connection they belong to.
  std::unordered_map<std::string, Prepared, TextHash, std::equal_to<>> prepared;
  std::uint64_t statements_named = 0;
  std::vector<std::string> scratch;  // encoded parameters of the statement under way

  bool broken = false;
  bool silent = false;     // the server did not answer within its time
  bool unhurried = false;  // a migration runs: statements may take as long as they take
  bool in_transaction = false;
  bool transaction_lost = false;  // the database ended it by itself: no savepoint can save it
  int savepoints = 0;
  std::optional<Error> doom;  // the first error of the transaction

  /// May the next thing be done? The doom, the break, or what the fault seam wants.
  Status before(Seam seam, std::string_view statement);
  /// Notes what an error means for the transaction and the connection, and gives it back.
  Error failed(Error error);
  /// "<statement> at <database>: <what>"
  [[nodiscard]] Error make(Errc code, std::string_view statement, std::string_view what) const;
  /// The session's end of a transaction, whatever the database thinks.
  void forget_transaction() noexcept;
};

}  // namespace dropline::store
