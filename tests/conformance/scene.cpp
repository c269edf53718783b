#include "scene.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>

namespace dropline::stream::conformance {

bool eventually(const std::function<bool()>& done, milliseconds limit) {
  const auto until = Time::now() + limit;
  do {
    if (done()) return true;
  } while (Time::now() < until);
  return done();
}

Copy::Copy(const Record& record)
    : at{std::string(record.topic), record.partition},
      offset(record.offset),
      append_time(record.append_time),
      key(record.key),
      value(record.value) {
  for (const Header& header : record.headers)
    headers.emplace_back(header.name, header.value);
}

DeliveryHandler Journal::handler() {
  return [this](std::span<const Delivery> batch) {
    const std::lock_guard lock(mutex_);
    deliveries_.insert(deliveries_.end(), batch.begin(), batch.end());
    changed_.notify_all();
  };
}

std::size_t Journal::count() const {
  const std::lock_guard lock(mutex_);
  return deliveries_.size();
}

bool Journal::await(std::size_t count, milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return deliveries_.size() >= count; });
}

void Journal::await_change() const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, milliseconds(10));
}

std::vector<Delivery> Journal::all() const {
  const std::lock_guard lock(mutex_);
  return deliveries_;
}

std::map<std::uint64_t, Delivery> Journal::by_token() const {
  std::map<std::uint64_t, Delivery> found;
  for (const Delivery& delivery : all())
    if (!found.emplace(delivery.token, delivery).second)
      FAIL_CHECK("token " << delivery.token << " was delivered twice");
  return found;
}

Writer::Writer(Stream& stream) {
  auto made = stream.producer(journal.handler());
  REQUIRE_MESSAGE(made.has_value(), made.error());
  producer = std::move(*made);
}

Status Writer::offer(const Draft& draft) {
  auto sent = producer->send(draft, tokens + 1);
  if (sent) ++tokens;
  return sent;
}

std::uint64_t Writer::send(const Draft& draft) {
  Status sent;
  const bool taken = eventually([&] {
    sent = offer(draft);
    if (sent || sent.error().code != Errc::queue_full) return true;
    journal.await_change();
    return false;
  });
  REQUIRE(taken);
  REQUIRE_MESSAGE(sent.has_value(), sent.error());
  return tokens;
}

std::uint64_t Writer::send(std::string_view topic, std::string_view key, std::string_view value,
                           std::optional<std::int32_t> partition) {
  return send(Draft{.topic = topic, .key = key, .value = value, .partition = partition});
}

void Writer::settle() {
  REQUIRE(producer->flush(kPatience));
  CHECK(journal.count() == tokens);
  for (const Delivery& delivery : journal.all())
    if (delivery.outcome != Outcome::acknowledged)
      FAIL_CHECK("token " << delivery.token << ": " << delivery.error.message());
}

Scene::Scene(const Wishes& wishes) {
  const std::string missing = subject().missing();
  REQUIRE_MESSAGE(missing.empty(), missing);
  place_ = subject().make();
  open(wishes);
}

void Scene::open(const Wishes& wishes) {
  auto opened = place_->open(wishes);
  REQUIRE_MESSAGE(opened.has_value(), opened.error());
  stream_ = std::move(*opened);
}

void Scene::close() {
  admin_.reset();
  stream_.reset();
}

Admin& Scene::admin() {
  if (!admin_) {
    auto made = stream_->admin(kPatience);
    REQUIRE_MESSAGE(made.has_value(), made.error());
    admin_ = std::move(*made);
  }
  return *admin_;
}

std::string Scene::unique(const std::string& name) {
  static std::atomic<int> number = 0;
  static const unsigned run = std::random_device{}();
  return "conformance." + name + '.' + std::to_string(run) + '.' + std::to_string(++number);
}

std::string Scene::topic(std::int32_t partitions) {
  return make({.name = "", .partitions = partitions});
}

std::string Scene::make(TopicSpec spec) {
  if (spec.name.empty()) spec.name = unique("topic");
  const auto made = admin().ensure_topics({&spec, 1});
  REQUIRE_MESSAGE(made.has_value(), made.error());
  return spec.name;
}

std::unique_ptr<Consumer> Scene::reader(const std::string& topic, std::int32_t partitions,
                                        std::int64_t offset) {
  auto made = stream_->consumer();
  REQUIRE_MESSAGE(made.has_value(), made.error());
  std::vector<Position> positions;
  for (std::int32_t p = 0; p < partitions; ++p)
    positions.push_back({{topic, p}, offset});
  const auto assigned = (*made)->assign(positions);
  REQUIRE_MESSAGE(assigned.has_value(), assigned.error());
  return std::move(*made);
}

std::vector<std::vector<Copy>> Scene::content(const std::string& topic, std::int32_t partitions) {
  auto made = stream_->consumer();
  REQUIRE_MESSAGE(made.has_value(), made.error());
  const auto consumer = std::move(*made);
  std::vector<TopicPartition> asked;
  std::vector<Position> starts;
  for (std::int32_t p = 0; p < partitions; ++p) {
    asked.push_back({topic, p});
    starts.push_back({{topic, p}, Position::kStart});
  }
  const auto extents = consumer->extents(asked, kPatience);
  REQUIRE_MESSAGE(extents.has_value(), extents.error());
  REQUIRE(consumer->assign(starts));

  // Compaction leaves gaps, but never takes a partition's last record in these scenarios.
  std::vector<std::vector<Copy>> found(static_cast<std::size_t>(partitions));
  const auto complete = [&] {
    for (std::size_t p = 0; p < found.size(); ++p)
      if ((*extents)[p].start < (*extents)[p].end &&
          (found[p].empty() || found[p].back().offset + 1 < (*extents)[p].end))
        return false;
    return true;
  };
  for (auto last = Time::now(); !complete() && Time::now() - last < kPatience;) {
    const auto batch = consumer->poll(10'000, milliseconds(500));
    REQUIRE_MESSAGE(batch.has_value(), batch.error());
    for (const PartitionError& error : batch->errors())
      FAIL("partition " << error.at.partition << ": " << error.error);
    for (const Record& record : batch->records())
      found.at(static_cast<std::size_t>(record.partition)).emplace_back(record);
    if (!batch->empty()) last = Time::now();
  }
  CHECK_MESSAGE(complete(), "the log's end could not be read");
  return found;
}

std::vector<Copy> read(Consumer& consumer, std::size_t count, milliseconds limit) {
  std::vector<Copy> found;
  const auto until = Time::now() + limit;
  while (found.size() < count && Time::now() < until) {
    const auto batch = consumer.poll(count - found.size(), milliseconds(500));
    REQUIRE_MESSAGE(batch.has_value(), batch.error());
    for (const PartitionError& error : batch->errors())
      FAIL("partition " << error.at.partition << ": " << error.error);
    for (const Record& record : batch->records())
      found.emplace_back(record);
  }
  CHECK(found.size() == count);
  return found;
}

std::optional<PartitionError> read_error(Consumer& consumer, milliseconds limit) {
  std::optional<PartitionError> found;
  eventually(
      [&] {
        const auto batch = consumer.poll(100, milliseconds(500));
        REQUIRE_MESSAGE(batch.has_value(), batch.error());
        for (const Record& record : batch->records())
          FAIL_CHECK("a record came instead: offset " << record.offset);
        if (!batch->errors().empty()) found = batch->errors().front();
        return found.has_value();
      },
      limit);
  CHECK_MESSAGE(found.has_value(), "no partition error came");
  return found;
}

void check_silent(Consumer& consumer, milliseconds wait) {
  const auto until = Time::now() + wait;
  while (Time::now() < until) {
    const auto batch = consumer.poll(100, std::chrono::ceil<milliseconds>(until - Time::now()));
    REQUIRE_MESSAGE(batch.has_value(), batch.error());
    CHECK_MESSAGE(batch->records().empty(), "a record came that must not");
    CHECK_MESSAGE(batch->errors().empty(), "an error came that must not");
    if (!batch->empty()) return;
  }
}

void assign(Consumer& consumer, const TopicPartition& at, std::int64_t offset) {
  const Position position{at, offset};
  const auto assigned = consumer.assign({&position, 1});
  REQUIRE_MESSAGE(assigned.has_value(), assigned.error());
}

Extent extent_of(Consumer& consumer, const TopicPartition& at) {
  const auto extents = consumer.extents({&at, 1}, kPatience);
  REQUIRE_MESSAGE(extents.has_value(), extents.error());
  REQUIRE(extents->size() == 1);
  return extents->front();
}

std::vector<std::string> values(const std::vector<Copy>& records) {
  std::vector<std::string> found;
  for (const Copy& record : records)
    found.push_back(record.value.value_or("(null)"));
  return found;
}

std::vector<std::string> numbered(const std::string& prefix, int first, int count) {
  std::vector<std::string> texts;
  for (int i = first; i < count; ++i)
    texts.push_back(prefix + std::to_string(i));
  return texts;
}

}  // namespace dropline::stream::conformance
