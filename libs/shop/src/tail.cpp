#include "dropline/shop/tail.hpp"

#include <algorithm>

#include "dropline/telemetry/log.hpp"

namespace dropline::shop {
namespace {
const log::Logger kLog("tail");
constexpr std::size_t kMaxRecords = 2'000;
constexpr std::chrono::milliseconds kWait{500};
constexpr std::chrono::milliseconds kRetry{200};
constexpr std::chrono::milliseconds kExtentsLimit{3'000};
}  // namespace

Tail::Tail(stream::Stream& stream, std::vector<Source> sources, std::int32_t partitions,
           OnRecord on_record)
    : stream_(stream),
      sources_(std::move(sources)),
      partitions_(partitions),
      on_record_(std::move(on_record)) {
  auto consumer = stream_.consumer();
  if (!consumer) throw ErrorException(consumer.error());
  consumer_ = std::move(*consumer);
  thread_ = std::thread([this] { run(); });
}

Tail::~Tail() {
  stopping_ = true;
  consumer_->wake();
  thread_.join();
}

Status Tail::begin() {
  std::vector<stream::TopicPartition> all;
  for (const auto& source : sources_)
    for (std::int32_t p = 0; p < partitions_; ++p)
      all.push_back({source.topic, p});
  auto extents = consumer_->extents(all, kExtentsLimit);
  if (!extents) return extents.error();
  std::vector<stream::Position> places;
  open_ends_.clear();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool from_start = sources_[i / static_cast<std::size_t>(partitions_)].from_start;
    const auto& extent = (*extents)[i];
    places.push_back({all[i], from_start ? extent.start : extent.end});
    if (from_start && extent.start < extent.end) open_ends_.push_back({all[i], extent.end});
  }
  if (auto assigned = consumer_->assign(places); !assigned) return assigned;
  caught_up_ = open_ends_.empty();
  return {};
}

void Tail::note(const stream::Record& record) {
  if (open_ends_.empty()) return;
  std::erase_if(open_ends_, [&](const stream::Position& end) {
    return end.at.partition == record.partition && end.at.topic == record.topic &&
           record.offset + 1 >= end.offset;
  });
  if (open_ends_.empty()) caught_up_ = true;
}

void Tail::run() {
  bool begun = false;
  while (!stopping_) {
    if (!begun) {
      auto started = begin();
      begun = started.has_value();
      trouble(begun ? std::string() : started.error().text());
      if (!begun) {
        static_cast<void>(consumer_->poll(1, kRetry));
        continue;
      }
    }
    auto batch = consumer_->poll(kMaxRecords, kWait);
    if (!batch) {
      trouble(batch.error().text());
      continue;
    }
    for (const auto& problem : batch->errors()) {
      // Only views read here: what was lost from the log is read again from what is left of it.
      kLog.warn("following from the start again", {{"topic", problem.at.topic},
                                                   {"partition", problem.at.partition},
                                                   {"error", problem.error.text()}});
      begun = false;
    }
    for (const auto& record : batch->records()) {
      on_record_(record);
      note(record);
    }
    trouble(consumer_->health());
  }
}

void Tail::trouble(std::string text) {
  const std::lock_guard guard(trouble_lock_);
  trouble_ = std::move(text);
}

std::string Tail::health() const {
  const std::lock_guard guard(trouble_lock_);
  return trouble_;
}

}  // namespace dropline::shop
