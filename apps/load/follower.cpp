#include "follower.hpp"

#include "dropline/contracts/topics.hpp"

namespace dropline::load {
namespace {

constexpr std::size_t kMost = 10'000;
constexpr std::chrono::milliseconds kWait{100};
constexpr std::chrono::seconds kPatience{20};
constexpr std::size_t kExpected = 500'000;

}  // namespace

Result<std::unique_ptr<Follower>> Follower::start(stream::Stream& stream, std::int32_t partitions,
                                                  const std::string& topic_prefix) {
  auto consumer = stream.consumer();
  if (!consumer) return consumer.error();
  std::vector<stream::TopicPartition> all;
  for (std::int32_t partition = 0; partition < partitions; ++partition)
    all.push_back(
        {contracts::topic_name(topic_prefix, contracts::topic::kOrdersEvents), partition});
  // The ends are asked for now: what comes from here on is counted, however slow a reader starts.
  const auto ends = (*consumer)->extents(all, kPatience);
  if (!ends) return ends.error();
  std::vector<stream::Position> positions;
  for (std::size_t at = 0; at < all.size(); ++at)
    positions.push_back({all[at], (*ends)[at].end});
  if (auto assigned = (*consumer)->assign(positions); !assigned) return assigned.error();
  auto follower = std::unique_ptr<Follower>(new Follower(std::move(*consumer)));
  follower->orders_.reserve(kExpected);
  follower->thread_ = std::thread([self = follower.get()] { self->run(); });
  return follower;
}

Follower::~Follower() {
  stop();
}

void Follower::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Follower::run() {
  while (!stopping_) {
    const auto batch = consumer_->poll(kMost, kWait);
    if (!batch) continue;
    for (const auto& record : batch->records())
      take(record);
  }
}

void Follower::take(const stream::Record& record) {
  if (record.header("ce_type") != "OrderPaid") return;
  const auto order = OrderId::parse(record.header("ce_correlationid").value_or(""));
  if (!order) return;
  auto& paid = orders_[*order];
  if (paid.times++ == 0) paid.at = record.append_time;
  ++paid_count_;
}

}  // namespace dropline::load
