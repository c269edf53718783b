#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"

namespace soci {
class session;
}

namespace dropline::store {

enum class Dialect { postgresql, sqlite };

/// The points at which a database can fail, in the order in which a transaction meets them.
enum class Seam {
  open,       ///< before a connection is made
  begin,      ///< before a transaction begins
  statement,  ///< before a statement runs
  savepoint,  ///< before a savepoint is set, released or rolled back to
  commit,     ///< before COMMIT is sent: an error means nothing was committed
  committed,  ///< after it succeeded: an error loses the answer (Errc::commit_unknown)
  rollback,   ///< before a transaction is rolled back; an error is ignored, as in life
};

/// Sees everything that a session does and may make it fail: for simulation and fault tests.
/// Called on the session's thread.
class Faults {
 public:
  virtual ~Faults() = default;
  /// `statement` is the short name. An error is answered instead of doing it, as the database
  /// would.
  virtual Status at(Seam seam, std::string_view statement) = 0;
};

struct SessionOptions {
  /// Names the session in the server's listings ("dropline-worker stock").
  std::string application = "dropline";
  /// PostgreSQL: to reach the server. A server that vanishes without a word is noticed within
  /// kSilenceLimit.
  std::chrono::milliseconds connect_limit{5'000};
  /// PostgreSQL: for one statement. Zero: none.
  std::chrono::milliseconds statement_limit{30'000};
  /// For a row, table or (SQLite) file lock; beyond it Errc::busy. PostgreSQL: zero: none.
  std::chrono::milliseconds lock_limit{5'000};
  /// Every write fails with Errc::read_only. SQLite: the file must exist.
  bool read_only = false;
  /// Not owned; must outlive the session.
  Faults* faults = nullptr;
};

/// A server that vanishes (cable pulled, machine gone) is given up after this; one that hangs, this
/// long after statement_limit.
inline constexpr std::chrono::seconds kSilenceLimit{8};
/// Statements kept prepared a session; beyond it all are dropped and prepared anew.
inline constexpr std::size_t kMaxPreparedStatements = 512;

class Session;

/// Where a database is and how to speak to it. A value; opens sessions; any thread.
class Database final {
 public:
  /// `sqlite:PATH`, `sqlite::memory:` (each session its own, empty database), or PostgreSQL as
  /// `postgresql://user:password@host:port/name?…` or `host=… dbname=…`. `clock` is what now() of
  /// SQLite sessions tells; it must outlive the database and its sessions.
  [[nodiscard]] static Result<Database> parse(std::string_view url, const Clock& clock);

  [[nodiscard]] Dialect dialect() const noexcept { return dialect_; }
  /// For messages: the URL, its password hidden.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Connects. Blocks up to `options.connect_limit`. SQLite files are created where missing, their
  /// folder is not; they are put into WAL mode with synchronous=FULL.
  [[nodiscard]] Result<Session> open(const SessionOptions& options = {}) const;

 private:
  Database(Dialect dialect, std::string target, std::string name, const Clock& clock)
      : dialect_(dialect), target_(std::move(target)), name_(std::move(name)), clock_(&clock) {}

  Dialect dialect_;
  std::string target_;
  std::string name_;
  const Clock* clock_;
};

/// A connection, with its prepared statements. Move-only; one thread at a time.
///
/// Outside a Transaction every statement commits by itself. Inside one, the first error dooms it,
/// in both dialects alike: later statements and the commit answer that same error until it is
/// rolled back (or rolled back to a savepoint set before).
///
/// A connection lost outside a transaction while a statement that writes was under way is
/// Errc::commit_unknown.
///
/// After broken() the session is of no use and must be discarded; what it had not committed is
/// gone.
class Session final {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  [[nodiscard]] Dialect dialect() const noexcept;
  [[nodiscard]] const std::string& database() const noexcept;  ///< Database::name()
  /// The connection is lost, or a commit's outcome is unknown.
  [[nodiscard]] bool broken() const noexcept;
  [[nodiscard]] bool in_transaction() const noexcept;

  /// The database's clock: PostgreSQL's clock_timestamp(), for SQLite the clock that Database was
  /// given.
  [[nodiscard]] Result<Timestamp> now();

  /// Runs SQL as it stands, several statements if need be; answers are dropped. `name` is what
  /// errors call it.
  Status execute(std::string_view name, std::string_view sql);

  /// For a service's `*_store.cpp` (with soci_session.hpp). Statements run through it directly must
  /// be wrapped in attempt(), which translates exceptions and keeps broken() true.
  [[nodiscard]] soci::session& soci() noexcept;
  /// `sqlite3*` or `PGconn*`: for the embedded stream, which appends inside this session's
  /// transaction. Owned by the session.
  [[nodiscard]] void* native() noexcept;

  struct State;
  [[nodiscard]] State& state() noexcept { return *state_; }  ///< for this room only

 private:
  friend class Database;
  explicit Session(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace dropline::store
