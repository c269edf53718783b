#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "dropline/base/error.hpp"
#include "dropline/stream/appender.hpp"
#include "dropline/stream/consumer.hpp"

namespace dropline::stream {

/// The engine's side of an attached stream: how the one thread that owns the writing connection
/// moves what HTTP threads have sent into its transaction, reads and appends inside it, and tells
/// the rest of the process what became of it.
///
///     while (running) {
///       engine.wait_for_work(max_wait);            // only when the last round found nothing
///       <store: BEGIN IMMEDIATE>
///       engine.take_sends(max);                    // what producers sent, and admins asked
///       auto mark = engine.mark();                 // before each SAVEPOINT of a service's batch
///       … consumer()->poll(max, 0ms), handlers, appender().append(…) …
///       <store: ROLLBACK TO …>; engine.rolled_back_to(mark);       // where a batch failed
///       engine.maintain();                         // when there is time: a bounded step
///       <store: COMMIT>   → engine.committed();    // or, when anything failed:
///       <store: ROLLBACK> → engine.rolled_back();
///     }
///     engine.stop();
///
/// Threads: all members on the engine's thread, except wake(), which any thread may call. What it
/// hands out lives on that thread too and must not outlive the stream.
/// An error from any member, or from appender(), means: roll back and call rolled_back() (SQLite
/// may have rolled the whole transaction back by itself, as it does when the disk is full); where
/// the error is transient, try the round again after a pause. Nothing taken is lost by that.
class EngineSide {
 public:
  virtual ~EngineSide() = default;

  /// Appends in the open transaction; see Appender. Records are readable at once through
  /// consumer(), and by everyone else after committed().
  [[nodiscard]] virtual Appender& appender() = 0;

  /// Reads through the engine's connection, and so sees what was appended in the open transaction.
  /// poll() never waits, whatever `wait` says. A position that passed records undone by a rollback
  /// goes back with them to the end of the log; records that were not undone must be sought again
  /// by whoever wants them again. Works inside and outside a transaction.
  [[nodiscard]] virtual Result<std::unique_ptr<Consumer>> consumer() = 0;

  /// Inside the transaction: runs what admins asked for, then appends up to `max` records sent, in
  /// the order they came, within a savepoint of its own. Returns how many it appended; zero when
  /// there was nothing. Without a call to committed() it is as if it had not been called. A record
  /// that can never be appended (its topic was removed) is reported `failed` then, alone.
  [[nodiscard]] virtual Result<std::size_t> take_sends(std::size_t max) = 0;

  /// A place in the open transaction, for rolled_back_to(). Cheap. Valid until the round ends.
  [[nodiscard]] virtual std::size_t mark() const = 0;
  /// The caller has executed ROLLBACK TO a savepoint made right after that mark().
  virtual void rolled_back_to(std::size_t mark) = 0;

  /// The transaction is in the file. Wakes the readers of what was appended, then calls delivery
  /// handlers on this thread; may checkpoint (bounded, see SqliteOptions).
  virtual void committed() = 0;
  /// The transaction is undone. What take_sends() took stands at the head of the queue again.
  /// `outcome_unknown`: COMMIT itself failed with an I/O error, so the records may come back after
  /// a crash; should they not be written by a later round either, their deliveries say `unknown`.
  virtual void rolled_back(bool outcome_unknown = false) = 0;

  /// Waits until there are sends or admin work to take, wake() was called, or `max_wait` passed.
  /// True when there is something to take or wake() was called. Not inside a transaction.
  virtual bool wait_for_work(std::chrono::milliseconds max_wait) = 0;
  /// Ends a wait_for_work() that waits, or the next one.
  virtual void wake() = 0;

  /// One bounded step of retention or compaction inside the transaction, where one is due. True
  /// when more is due at once. To be called every round or so, and is cheap when nothing is due.
  [[nodiscard]] virtual Result<bool> maintain() = 0;

  /// The engine will take no more: send() answers Errc::closed from now on, and what is queued is
  /// reported `failed` (or `unknown`, see rolled_back()). Admin calls answer Errc::closed.
  /// Consumers of other threads go on. Not inside a transaction; calling it twice is allowed.
  virtual void stop() = 0;
};

}  // namespace dropline::stream
