#include "dropline/worker/worker.hpp"

#include <algorithm>
#include <cstdlib>

#include "dropline/store/transaction.hpp"
#include "dropline/telemetry/log.hpp"
#include "dropline/worker/errors.hpp"

namespace dropline::worker {
namespace {
const log::Logger kLog("worker");

/// Rows wholly in the log are removed with the next transaction, or after this when none comes.
constexpr std::chrono::milliseconds kTidyInterval{200};
/// How long a step waits at most while messages are on their way to the log.
constexpr std::chrono::milliseconds kPublishingWait{20};
}  // namespace

Worker::Worker(Parts parts)
    : parts_(std::move(parts)),
      publisher_(parts_.stream, parts_.clock),
      outlet_(parts_.service.spec().name, publisher_) {}

Worker::~Worker() = default;

Result<std::unique_ptr<Worker>> Worker::start(Parts parts) {
  std::unique_ptr<Worker> worker(new Worker(std::move(parts)));
  auto& p = worker->parts_;
  const auto& spec = p.service.spec();
  auto consumer = spec.patience > spec.patience.zero() ? p.stream.patient_consumer(spec.patience)
                                                       : p.stream.consumer();
  if (!consumer) return consumer.error();
  worker->consumer_ = std::move(*consumer);
  auto membership =
      p.stream.join(p.loop.topic_prefix + spec.name, p.loop.topic_prefix + spec.anchor, p.member);
  if (!membership) return membership.error();
  worker->membership_ = std::move(*membership);
  worker->loop_ =
      std::make_unique<Loop>(Loop::Ports{p.service, *worker->membership_, *worker->consumer_,
                                         worker->outlet_, p.clock, p.random, p.keys},
                             p.loop, p.metrics);
  return worker;
}

bool Worker::step(std::chrono::milliseconds wait) {
  bool moved = publisher_.pump();
  outlet_.collect();
  const auto now = parts_.clock.steady();
  const bool resting = retry_at_ > now;
  if (publisher_.rows() > 0) wait = std::min(wait, kPublishingWait);
  if (resting) wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(retry_at_ - now));
  // An error of the stream is remembered by the loop and passes; the loop goes on with what it has.
  static_cast<void>(loop_->gather(wait, !resting));
  moved |= publisher_.pump();
  report();
  parts_.metrics.backlog.set(static_cast<double>(publisher_.records()));
  const bool tidy = outlet_.wants_transaction() && tidy_at_ <= parts_.clock.steady();
  if (resting || (!loop_->has_work() && !tidy)) return moved;

  if (auto done = transact(); !done) {
    failed(done.error());
    return false;
  }
  trouble_.clear();
  pause_ = kPause;
  tidy_at_ = parts_.clock.steady() + kTidyInterval;
  publisher_.pump();
  return true;
}

Status Worker::transact() {
  if (auto open = ensure_session(); !open) return open;
  auto transaction = store::Transaction::begin(*session_);
  if (!transaction) {
    loop_->rolled_back(transaction.error());
    return transaction.error();
  }
  auto status = loop_->apply(*session_);
  if (status) status = transaction->commit();
  if (status) {
    loop_->committed();
    return {};
  }
  transaction->rollback();
  loop_->rolled_back(status.error());
  return status;
}

Status Worker::ensure_session() {
  if (session_ && !session_->broken()) return {};
  session_.reset();
  auto opened = parts_.database.open(parts_.session);
  if (!opened) return opened.error();
  auto theirs = opened->now();
  if (!theirs) return theirs.error();
  const auto skew = *theirs - parts_.clock.now();
  if (std::chrono::abs(skew) > kMaxSkew)
    return error(Errc::clock_skew,
                 "this machine's clock is " +
                     std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::abs(skew))
                                        .count()) +
                     " ms " + (skew > skew.zero() ? "behind" : "ahead of") +
                     " the database's; set both by NTP. Nothing is done until they agree");
  session_.emplace(std::move(*opened));
  return {};
}

void Worker::failed(const Error& error) {
  // Being fenced is the loop's own affair: it claims again when its time comes.
  if (error.code == Errc::fenced) return;
  trouble_ = error.text();
  kLog.warn("pausing after a failure",
            {{"service", parts_.service.spec().name}, {"pause", pause_}, {"error", trouble_}});
  retry_at_ = parts_.clock.steady() + pause_;
  pause_ = std::min(pause_ * 2, kPauseMax);
  if (session_ && session_->broken()) session_.reset();
}

void Worker::report() {
  if (parts_.clock.steady() < report_at_) return;
  report_at_ = parts_.clock.steady() + kReportInterval;
  const auto positions = loop_->positions();
  if (!positions.empty()) membership_->report(positions);
}

void Worker::drain(std::chrono::milliseconds limit) {
  const auto until = parts_.clock.steady() + limit;
  const auto left = [&] {
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::floor<std::chrono::milliseconds>(until - parts_.clock.steady()));
  };
  publisher_.drain(limit / 2);
  const auto positions = loop_->positions();
  if (!positions.empty()) membership_->report(positions);
  membership_->leave(std::min(left(), limit / 4));
}

void Worker::wake() {
  consumer_->wake();
}

std::string Worker::health() const {
  if (!trouble_.empty()) return trouble_;
  if (auto said = publisher_.health(); !said.empty()) return said;
  if (auto said = loop_->health(); !said.empty()) return said;
  return consumer_->health();
}

}  // namespace dropline::worker
