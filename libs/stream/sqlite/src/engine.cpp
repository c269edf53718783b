#include "engine.hpp"

#include <algorithm>
#include <utility>

namespace dropline::stream::sqlite {

Engine::Engine(const Database& database, const SqliteOptions& options, const Clock& clock,
               Inlet& inlet, Notices& notices)
    : database_(database),
      options_(options),
      inlet_(inlet),
      notices_(notices),
      writer_(database, clock),
      maintenance_(database, writer_, options, clock),
      checkpointer_(database, options.checkpoint_bytes, options.max_wal_bytes) {
  inlet_.set_catalogue(writer_.catalogue());
}

Result<std::unique_ptr<Consumer>> Engine::consumer() {
  return std::make_unique<EngineConsumer>(options_, database_, writer_, consumers_, inlet_);
}

Result<std::size_t> Engine::take_sends(std::size_t max) {
  return guarded([&] {
    put_right();
    const std::size_t before = writer_.mark();
    if (!sends_mark_) sends_mark_ = before;
    run_jobs();
    return append_sends(max);
  });
}

void Engine::run_jobs() {
  for (const auto& job : inlet_.take_jobs()) {
    const std::size_t before = writer_.mark();
    database_.execute("SAVEPOINT dropline_job");
    if (!run_job(*job)) {
      database_.execute("ROLLBACK TO dropline_job");
      writer_.rolled_back_to(before);
    }
    database_.execute("RELEASE dropline_job");
  }
}

bool Engine::run_job(Job& job) {
  try {
    job.work(writer_);
    job.result = Status{};
    return true;
  } catch (const ErrorException& exception) {
    // What concerns the file concerns the round; what concerns the question is its answer.
    const auto& code = exception.error().code;
    if (exception.error().transient() || code == Errc::corrupt || code == Errc::failed) throw;
    job.result = exception.error();
    return false;
  }
}

std::size_t Engine::append_sends(std::size_t max) {
  const std::size_t head = inlet_.taken();
  taken_.clear();
  inlet_.take(max, taken_);
  if (taken_.empty()) return 0;
  const std::size_t before = writer_.mark();
  try {
    database_.execute("SAVEPOINT dropline_sends");
    const std::int64_t now = writer_.now_ms();
    for (Sent* sent : taken_)
      append_sent(*sent, now);
    database_.execute("RELEASE dropline_sends");
  } catch (const ErrorException&) {
    database_.try_execute("ROLLBACK TO dropline_sends");
    database_.try_execute("RELEASE dropline_sends");
    inlet_.give_back(head, false);
    unread_mark_ = std::min(before, unread_mark_.value_or(before));
    throw;
  }
  return taken_.size();
}

void Engine::append_sent(Sent& sent, std::int64_t now_ms) {
  WriterLog& log = writer_.at(*sent.log);
  if (log.gone) {
    sent.failure = Errc::unknown_topic;
    return;
  }
  const std::string_view bytes = sent.bytes;
  Row row;
  row.key = bytes.substr(0, sent.key_size);
  if (!sent.tombstone) row.value = bytes.substr(sent.key_size, sent.value_size);
  row.headers = bytes.substr(sent.key_size + sent.value_size);
  writer_.insert(log, now_ms, row);
  sent.offset = row.offset;
}

void Engine::put_right() {
  if (!unread_mark_) return;
  writer_.rolled_back_to(*unread_mark_);
  unread_mark_.reset();
  consumers_.rolled_back();
}

void Engine::rolled_back_to(std::size_t mark) {
  if (sends_mark_ && mark <= *sends_mark_) {
    inlet_.give_back(0, false);
    inlet_.give_back_jobs();
    sends_mark_.reset();
  }
  unread_mark_ = std::min(mark, unread_mark_.value_or(mark));
  // Where reading fails, the next call that can answer with an error tries again.
  static_cast<void>(guarded([this] { put_right(); }));
}

void Engine::rolled_back(bool outcome_unknown) {
  inlet_.give_back(0, outcome_unknown);
  inlet_.give_back_jobs();
  inlet_.undone();
  sends_mark_.reset();
  maintenance_.rolled_back();
  unread_mark_ = 0;
  static_cast<void>(guarded([this] {
    writer_.rolled_back();
    put_right();
  }));
}

void Engine::publish() {
  const auto published = writer_.publish();
  if (published.catalogue) inlet_.set_catalogue(published.catalogue);
  counters_.appended += published.appended;
  notices_.publish(published.changed);
}

void Engine::committed() {
  sends_mark_.reset();
  const auto removed = maintenance_.take_removed();
  counters_.compacted += removed.compacted;
  counters_.expired += removed.expired;
  ++counters_.commits;
  publish();
  inlet_.committed();
  checkpointer_.committed();
}

bool Engine::wait_for_work(std::chrono::milliseconds max_wait) {
  return inlet_.wait_for_work(max_wait);
}

Result<bool> Engine::maintain() {
  return guarded([this] {
    put_right();
    return maintenance_.step();
  });
}

void Engine::stop() {
  stop(error(Errc::closed, "the log takes no more records: it is closing"));
}

void Engine::stop(const Error& reason) {
  if (std::exchange(stopped_, true)) return;
  inlet_.stop(reason);
}

}  // namespace dropline::stream::sqlite
