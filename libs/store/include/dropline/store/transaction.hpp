#pragma once

#include <string>

#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"

namespace dropline::store {

/// One transaction of a session, which must outlive it (and may be moved meanwhile). PostgreSQL:
/// READ COMMITTED (rows that matter are locked or fenced). SQLite: BEGIN IMMEDIATE, so that it owns
/// the write lock from the start and never fails half-way for another's sake; BEGIN in a read-only
/// session.
///
/// The destructor rolls back what was not committed. Transactions do not nest: see Savepoint.
class Transaction final {
 public:
  /// Errc::busy where the lock is not to be had within the session's lock_limit.
  [[nodiscard]] static Result<Transaction> begin(Session& session);

  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Success: it is durable. Errc::commit_unknown: it may be, and the session is broken. Any other
  /// error: nothing of it happened. Either way the transaction is over.
  [[nodiscard]] Status commit();

  /// Never fails: where the connection is gone, so is the transaction.
  void rollback() noexcept;

  [[nodiscard]] bool open() const noexcept { return session_ != nullptr; }

 private:
  explicit Transaction(Session::State& session) : session_(&session) {}

  Session::State* session_;
};

/// A part of a transaction that can be undone alone. Savepoints nest, last set first ended. The
/// destructor undoes what was not released; that also lifts the doom of an error met within.
class Savepoint final {
 public:
  /// In an open transaction only.
  [[nodiscard]] static Result<Savepoint> begin(Session& session);

  Savepoint(Savepoint&& other) noexcept;
  Savepoint& operator=(Savepoint&&) = delete;
  ~Savepoint();

  /// Keeps what was done since; it is committed with the transaction.
  [[nodiscard]] Status release();
  void rollback() noexcept;

 private:
  Savepoint(Session::State& session, int depth) : session_(&session), depth_(depth) {}

  Session::State* session_;
  int depth_;
};

}  // namespace dropline::store
