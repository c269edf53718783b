#include "dropline/store/transaction.hpp"

#include <utility>

#include "dropline/base/ensure.hpp"
#include "postgresql.hpp"
#include "session_state.hpp"
#include "sqlite.hpp"

namespace dropline::store {
namespace {

Status send(Session::State& state, std::string_view name, std::string_view sql, Phase phase) {
  return state.dialect == Dialect::postgresql ? postgresql::execute(state, name, sql, phase)
                                              : sqlite::execute(state, name, sql, phase);
}

std::string_view begin_sql(const Session::State& state) {
  if (state.dialect == Dialect::postgresql) return "BEGIN ISOLATION LEVEL READ COMMITTED";
  return state.options.read_only ? "BEGIN" : "BEGIN IMMEDIATE";
}

/// Ends the transaction without keeping it. On a connection that is gone it has ended already; one
/// on which ROLLBACK fails is in no known state.
void roll_back(Session::State& state) noexcept {
  if (state.options.faults != nullptr && !state.broken) {
    (void)state.options.faults->at(Seam::rollback, "rollback");
  }
  const bool ended = state.broken || (state.sqlite != nullptr &&
                                      sqlite_api::sqlite3_get_autocommit(state.sqlite) != 0);
  try {
    if (!ended && send(state, "rollback", "ROLLBACK", Phase::read).has_error()) state.broken = true;
  } catch (...) {
    state.broken = true;
  }
  state.forget_transaction();
}

/// COMMIT itself. PostgreSQL answers ROLLBACK, without an error, where the transaction was aborted.
Status send_commit(Session::State& state) {
  if (state.dialect == Dialect::sqlite) {
    return sqlite::execute(state, "commit", "COMMIT", Phase::commit);
  }
  if (PQstatus(state.pg) != CONNECTION_OK) {
    state.broken = true;
    return state.make(Errc::connection_lost, "commit", "the connection was lost before");
  }
  const postgresql::Answer answer = postgresql::send(state, "COMMIT");
  const bool ok = answer != nullptr && PQresultStatus(answer.get()) == PGRES_COMMAND_OK;
  if (!ok) return postgresql_error(state, "commit", answer.get(), Phase::commit);
  if (std::string_view(PQcmdStatus(answer.get())) == "COMMIT") return {};
  return state.make(Errc::bad_statement, "commit",
                    "a statement that failed unseen had ended the transaction; it was rolled back");
}

std::string savepoint_sql(std::string_view verb, int depth) {
  return std::string(verb) + " dropline_" + std::to_string(depth);
}

}  // namespace

Result<Transaction> Transaction::begin(Session& session) {
  Session::State& state = session.state();
  ensure(!state.in_transaction, "transactions do not nest");
  if (auto status = state.before(Seam::begin, "begin"); status.has_error()) return status.error();
  if (auto status = send(state, "begin", begin_sql(state), Phase::read); status.has_error()) {
    return status.error();
  }
  state.in_transaction = true;
  return Transaction(state);
}

Transaction::Transaction(Transaction&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)) {}

Transaction::~Transaction() {
  rollback();
}

Status Transaction::commit() {
  ensure(session_ != nullptr, "a transaction is committed once");
  Session::State& state = *session_;
  ensure(state.savepoints == 0, "savepoints end before their transaction");
  if (auto status = state.before(Seam::commit, "commit"); status.has_error()) {
    const Error why = status.error();
    rollback();
    return why;
  }
  if (auto status = send_commit(state); status.has_error()) {
    const Error why = status.error();
    rollback();
    return why;
  }
  session_ = nullptr;
  state.forget_transaction();
  if (state.options.faults != nullptr) {
    if (auto fault = state.options.faults->at(Seam::committed, "commit"); fault.has_error()) {
      state.broken = true;
      return state.make(Errc::commit_unknown, "commit", fault.error().detail);
    }
  }
  return {};
}

void Transaction::rollback() noexcept {
  if (session_ == nullptr) return;
  roll_back(*std::exchange(session_, nullptr));
}

Result<Savepoint> Savepoint::begin(Session& session) {
  Session::State& state = session.state();
  ensure(state.in_transaction, "savepoints stand in a transaction");
  if (auto status = state.before(Seam::savepoint, "savepoint"); status.has_error()) {
    return status.error();
  }
  const int depth = state.savepoints + 1;
  if (auto status = send(state, "savepoint", savepoint_sql("SAVEPOINT", depth), Phase::read);
      status.has_error()) {
    return status.error();
  }
  state.savepoints = depth;
  return Savepoint(state, depth);
}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)), depth_(other.depth_) {}

Savepoint::~Savepoint() {
  rollback();
}

Status Savepoint::release() {
  ensure(session_ != nullptr, "a savepoint is released once");
  Session::State& state = *session_;
  ensure(state.savepoints == depth_, "the last savepoint set ends first");
  Status status = state.before(Seam::savepoint, "release");
  if (status.has_value()) {
    status = send(state, "release", savepoint_sql("RELEASE SAVEPOINT", depth_), Phase::read);
  }
  if (status.has_error()) {
    const Error why = status.error();
    rollback();
    return why;
  }
  session_ = nullptr;
  state.savepoints = depth_ - 1;
  return {};
}

void Savepoint::rollback() noexcept {
  if (session_ == nullptr) return;
  Session::State& state = *std::exchange(session_, nullptr);
  // The transaction may have ended first, and taken its savepoints along.
  if (!state.in_transaction || state.savepoints < depth_) return;
  state.savepoints = depth_ - 1;
  if (state.broken || state.transaction_lost) return;
  try {
    const std::string sql = savepoint_sql("ROLLBACK TO SAVEPOINT", depth_) + "; " +
                            savepoint_sql("RELEASE SAVEPOINT", depth_);
    state.doom.reset();
    (void)send(state, "rollback to savepoint", sql, Phase::read);
  } catch (...) {
    state.broken = true;
  }
}

}  // namespace dropline::store
