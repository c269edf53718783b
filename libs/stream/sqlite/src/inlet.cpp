#include "inlet.hpp"

#include <algorithm>
#include <utility>

#include "dropline/base/ensure.hpp"
#include "dropline/stream/partitioner.hpp"
#include "record_codec.hpp"

namespace dropline::stream::sqlite {
namespace {

/// How long close() waits for a handler that is running, beyond its own limit.
constexpr std::chrono::milliseconds kHandlerGrace{900};
/// The most admin jobs that wait at a time.
constexpr std::size_t kMaxJobs = 64;

/// Callers may say milliseconds::max(), which no time point can take.
std::chrono::steady_clock::time_point after(std::chrono::milliseconds limit) {
  constexpr std::chrono::hours kLongest{24};
  return std::chrono::steady_clock::now() +
         std::clamp<std::chrono::milliseconds>(limit, {}, kLongest);
}

Error closed_error() {
  return error(Errc::closed, "the producer was closed");
}

Sent make_sent(const Draft& draft, std::uint64_t token) {
  Sent sent;
  sent.token = token;
  sent.key_size = draft.key.size();
  sent.value_size = draft.value ? draft.value->size() : 0;
  sent.tombstone = !draft.value.has_value();
  constexpr std::size_t kHeaderFrame = 6;  // two sizes, seldom more
  sent.bytes.reserve(record_bytes(draft) + draft.headers.size() * kHeaderFrame + 1);
  sent.bytes.append(draft.key);
  if (draft.value) sent.bytes.append(*draft.value);
  encode_headers(draft.headers, sent.bytes);
  return sent;
}

}  // namespace

Status Inlet::accept(const Draft& draft, const Sender& sender, std::size_t size,
                     std::shared_ptr<Log>& log) const {
  if (sender.closed) return closed_error();
  if (fatal_) return *fatal_;
  const auto topic = catalogue_->find(draft.topic);
  if (topic == catalogue_->end()) {
    return error(Errc::unknown_topic, "there is no topic " + std::string(draft.topic));
  }
  const auto count = topic->second.spec.partitions;
  const auto partition = draft.partition ? *draft.partition : partition_of(draft.key, count);
  if (partition < 0 || partition >= count) {
    return error(Errc::bad_partition, "topic " + std::string(draft.topic) +
                                          " has partitions 0 to " + std::to_string(count - 1) +
                                          ", not " + std::to_string(partition));
  }
  if (undone_ >= kUndoneRounds && !queue_.empty()) {
    return error(Errc::timed_out, "the log could not be written the last " +
                                      std::to_string(undone_) + " times, and " +
                                      std::to_string(queue_.size()) + " records wait for it");
  }
  // One record fits always, or the largest could never be sent.
  if (queue_.size() >= max_records_ || (bytes_ + size > max_bytes_ && !queue_.empty())) {
    return error(Errc::queue_full, std::to_string(queue_.size()) + " records, " +
                                       std::to_string(bytes_) +
                                       " bytes wait to be written; try again later");
  }
  log = topic->second.logs[static_cast<std::size_t>(partition)];
  return {};
}

Status Inlet::send(const std::shared_ptr<Sender>& sender, const Draft& draft, std::uint64_t token) {
  if (auto checked = check(draft); !checked) return checked;
  Sent sent = make_sent(draft, token);
  const std::size_t size = sent.bytes.size() + kSentOverhead;
  bool notify = false;
  {
    const std::lock_guard guard(mutex_);
    if (auto accepted = accept(draft, *sender, size, sent.log); !accepted) return accepted;
    sent.sender = sender;
    queue_.push_back(std::move(sent));
    bytes_ += size;
    ++sender->in_flight;
    notify = std::exchange(waiting_, false);
  }
  if (notify) work_.notify_one();
  return {};
}

bool Inlet::flush(const Sender& sender, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return settled_.wait_until(lock, after(limit), [&] { return sender.in_flight == 0; });
}

void Inlet::close(const std::shared_ptr<Sender>& sender, std::chrono::milliseconds limit) {
  std::vector<Delivery> rest;
  {
    std::unique_lock lock(mutex_);
    sender->closed = true;
    settled_.wait_until(lock, after(limit), [&] { return sender->in_flight == 0; });
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      Sent& sent = queue_[i];
      if (sent.sender != sender || sent.cancelled) continue;
      sent.cancelled = true;
      const bool unknown = i < taken_ || sent.unknown;
      rest.push_back({sent.token, unknown ? Outcome::unknown : Outcome::failed, sent.log->partition,
                      std::nullopt, make_error_code(Errc::closed)});
    }
    sender->in_flight -= rest.size();
    settled_.wait_for(lock, kHandlerGrace, [&] { return sender->delivering == 0; });
  }
  if (!rest.empty() && sender->handler) sender->handler(rest);
}

Status Inlet::ask(std::function<void(LogWriter&)> work, std::chrono::milliseconds limit) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  std::unique_lock lock(mutex_);
  if (fatal_) return *fatal_;
  if (jobs_.size() >= kMaxJobs) {
    return error(Errc::queue_full, "too many administrative calls wait for the writer");
  }
  jobs_.push_back(job);
  waiting_ = false;
  work_.notify_one();
  if (settled_.wait_until(lock, after(limit), [&] { return job->done; })) return job->result;
  job->abandoned = true;
  if (!job->taken) std::erase(jobs_, job);
  return error(Errc::timed_out, std::string("the writer did not answer within ") +
                                    std::to_string(limit.count()) + " ms" +
                                    (job->taken ? "; the change may still be made" : ""));
}

std::optional<Error> Inlet::fatal() const {
  const std::lock_guard guard(mutex_);
  return fatal_;
}

void Inlet::wake() {
  const std::lock_guard guard(mutex_);
  woken_ = true;
  work_.notify_one();
}

std::size_t Inlet::records() const {
  const std::lock_guard guard(mutex_);
  return queue_.size();
}

std::size_t Inlet::bytes() const {
  const std::lock_guard guard(mutex_);
  return bytes_;
}

std::shared_ptr<const Catalogue> Inlet::catalogue() const {
  const std::lock_guard guard(mutex_);
  return catalogue_;
}

void Inlet::set_catalogue(std::shared_ptr<const Catalogue> catalogue) {
  const std::lock_guard guard(mutex_);
  catalogue_ = std::move(catalogue);
}

bool Inlet::wait_for_work(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return woken_ || queue_.size() > taken_ || !jobs_.empty(); };
  const auto deadline = after(limit);
  while (!something()) {
    waiting_ = true;
    if (work_.wait_until(lock, deadline) == std::cv_status::timeout) break;
  }
  waiting_ = false;
  const bool found = something();
  woken_ = false;
  return found;
}

std::vector<std::shared_ptr<Job>> Inlet::take_jobs() {
  const std::lock_guard guard(mutex_);
  std::vector<std::shared_ptr<Job>> taken;
  for (const auto& job : jobs_) {
    if (job->taken) continue;
    job->taken = true;
    taken.push_back(job);
  }
  return taken;
}

void Inlet::take(std::size_t max, std::vector<Sent*>& into) {
  const std::lock_guard guard(mutex_);
  const std::size_t end = taken_ + std::min(max, queue_.size() - taken_);
  for (; taken_ < end; ++taken_) {
    // A deque does not move its elements while others are added at its end.
    if (!queue_[taken_].cancelled) into.push_back(&queue_[taken_]);
  }
}

std::size_t Inlet::taken() const {
  const std::lock_guard guard(mutex_);
  return taken_;
}

void Inlet::give_back(std::size_t keep, bool outcome_unknown) {
  const std::lock_guard guard(mutex_);
  for (std::size_t i = keep; i < taken_; ++i) {
    queue_[i].unknown = queue_[i].unknown || outcome_unknown;
    queue_[i].offset = -1;
    queue_[i].failure = Errc{};
  }
  taken_ = std::min(taken_, keep);
}

void Inlet::undone() {
  const std::lock_guard guard(mutex_);
  ++undone_;
}

void Inlet::give_back_jobs() {
  const std::lock_guard guard(mutex_);
  std::erase_if(jobs_, [](const auto& job) { return job->abandoned; });
  for (const auto& job : jobs_) {
    job->taken = false;
    job->result = Status{};
  }
}

void Inlet::note(Deliveries& deliveries, const Sent& sent, const Delivery& delivery) {
  // Producers are few, and neighbours mostly of the same one.
  auto found = std::find_if(deliveries.rbegin(), deliveries.rend(),
                            [&](const auto& each) { return each.first == sent.sender; });
  if (found == deliveries.rend()) {
    deliveries.emplace_back(sent.sender, std::vector<Delivery>{});
    found = deliveries.rbegin();
  }
  found->second.push_back(delivery);
  ++sent.sender->delivering;
}

void Inlet::forget_first(std::size_t count) {
  for (; count > 0; --count) {
    bytes_ -= queue_.front().bytes.size() + kSentOverhead;
    queue_.pop_front();
  }
}

void Inlet::deliver(Deliveries& deliveries) {
  for (auto& [sender, batch] : deliveries) {
    if (sender->handler) sender->handler(batch);
    const std::lock_guard guard(mutex_);
    sender->delivering -= batch.size();
    sender->in_flight -= batch.size();
    settled_.notify_all();
  }
}

void Inlet::committed() {
  Deliveries deliveries;
  {
    const std::lock_guard guard(mutex_);
    undone_ = 0;
    for (std::size_t i = 0; i < taken_; ++i) {
      const Sent& sent = queue_[i];
      if (sent.cancelled) continue;
      Delivery delivery{sent.token, Outcome::acknowledged, sent.log->partition, sent.offset, {}};
      if (sent.failure != Errc{}) {
        delivery = {sent.token, sent.unknown ? Outcome::unknown : Outcome::failed,
                    sent.log->partition, std::nullopt, make_error_code(sent.failure)};
      }
      note(deliveries, sent, delivery);
    }
    forget_first(std::exchange(taken_, 0));
    const auto finished = std::stable_partition(jobs_.begin(), jobs_.end(),
                                                [](const auto& job) { return !job->taken; });
    std::for_each(finished, jobs_.end(), [](const auto& job) { job->done = true; });
    if (finished != jobs_.end()) settled_.notify_all();
    jobs_.erase(finished, jobs_.end());
  }
  deliver(deliveries);
}

void Inlet::stop(const Error& reason) {
  Deliveries deliveries;
  {
    const std::lock_guard guard(mutex_);
    ensure(taken_ == 0, "the inlet is stopped between transactions");
    if (!fatal_) fatal_ = reason;
    for (const Sent& sent : queue_) {
      if (sent.cancelled) continue;
      note(deliveries, sent,
           {sent.token, sent.unknown ? Outcome::unknown : Outcome::failed, sent.log->partition,
            std::nullopt, reason.code});
    }
    forget_first(queue_.size());
    for (const auto& job : jobs_) {
      job->done = true;
      job->result = reason;
    }
    jobs_.clear();
    settled_.notify_all();
  }
  deliver(deliveries);
}

}  // namespace dropline::stream::sqlite
