#include "consumers.hpp"

#include <algorithm>
#include <filesystem>

namespace dropline::stream::sqlite {
namespace {

std::int64_t committed_end(const Log& log) {
  return log.end.load(std::memory_order_acquire);
}

/// No poll waits longer, so that a deadline can always be computed.
constexpr std::chrono::hours kLongestWait{24};

}  // namespace

std::vector<Extent> extents_of(const Catalogue& catalogue,
                               std::span<const TopicPartition> partitions,
                               const std::function<Extent(Log&)>& one) {
  std::vector<Extent> extents;
  extents.reserve(partitions.size());
  for (const auto& at : partitions) {
    const auto topic = catalogue.find(at.topic);
    if (topic == catalogue.end()) {
      throw ErrorException(error(Errc::unknown_topic, "there is no topic " + at.topic));
    }
    const auto& logs = topic->second.logs;
    if (at.partition < 0 || static_cast<std::size_t>(at.partition) >= logs.size()) {
      throw ErrorException(error(Errc::bad_partition, "topic " + at.topic + " has no partition " +
                                                          std::to_string(at.partition)));
    }
    extents.push_back(one(*logs[static_cast<std::size_t>(at.partition)]));
  }
  return extents;
}

TailConsumer::TailConsumer(const SqliteOptions& options, const Inlet& inlet,
                           std::shared_ptr<Waiter> waiter)
    : options_(options),
      inlet_(inlet),
      waiter_(std::move(waiter)),
      database_(options.file, Database::Mode::read),
      reader_(database_),
      begin_(database_.prepare("BEGIN")),
      end_(database_.prepare("COMMIT")) {}

Status TailConsumer::assign(std::span<const Position> positions) {
  return guarded([&] {
    const auto catalogue = inlet_.catalogue();
    for (const auto& position : positions) {
      shares_.assign(*catalogue, position, [this](Log& log) {
        waiter_->want(log);
        return reader_.extent(log);
      });
    }
  });
}

Status TailConsumer::unassign(std::span<const TopicPartition> partitions) {
  for (const auto& at : partitions) {
    const auto log = shares_.unassign(at);
    if (!log) continue;
    waiter_->forget(*log);
    reader_.forget(*log);
  }
  return {};
}

Batch TailConsumer::read_now(std::size_t max) {
  BatchBuilder batch;
  database_.run(begin_);
  try {
    shares_.read(reader_, max, options_.max_poll_bytes, committed_end, batch);
  } catch (...) {
    database_.try_execute("ROLLBACK");
    throw;
  }
  database_.run(end_);
  return batch.build();
}

Result<Batch> TailConsumer::poll(std::size_t max, std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() +
                        std::clamp<std::chrono::milliseconds>(wait, {}, kLongestWait);
  while (true) {
    waiter_->arm();
    if (max > 0 && shares_.ready(committed_end)) {
      auto batch = guarded([&] { return read_now(max); });
      if (!batch || !batch->empty()) return batch;
      continue;  // the positions moved over what was compacted away
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      waiter_->take_wake();
      return Batch{};
    }
    if (waiter_->wait_until(deadline)) return Batch{};
  }
}

Result<std::vector<Extent>> TailConsumer::extents(std::span<const TopicPartition> partitions,
                                                  std::chrono::milliseconds) {
  return guarded([&] {
    const auto catalogue = inlet_.catalogue();
    return extents_of(*catalogue, partitions, [this](Log& log) { return reader_.extent(log); });
  });
}

std::string TailConsumer::health() const {
  std::error_code ignored;
  if (std::filesystem::exists(options_.file, ignored)) return {};
  return "the log file " + options_.file.string() + " is gone";
}

EngineConsumer::EngineConsumer(const SqliteOptions& options, const Database& database,
                               LogWriter& writer, List& list, Inlet& inlet)
    : options_(options), writer_(writer), list_(list), inlet_(inlet), reader_(database) {
  list_.add(this);
}

EngineConsumer::~EngineConsumer() {
  list_.remove(this);
}

Status EngineConsumer::assign(std::span<const Position> positions) {
  return guarded([&] {
    for (const auto& position : positions) {
      shares_.assign(*writer_.catalogue(), position, [this](Log& log) {
        const LogState& state = writer_.at(log).state;
        return Extent{state.start, state.next};
      });
    }
  });
}

Status EngineConsumer::unassign(std::span<const TopicPartition> partitions) {
  for (const auto& at : partitions) {
    if (const auto log = shares_.unassign(at)) reader_.forget(*log);
  }
  return {};
}

Result<Batch> EngineConsumer::poll(std::size_t max, std::chrono::milliseconds) {
  return guarded([&] {
    BatchBuilder batch;
    const auto end_of = [this](const Log& log) { return writer_.at(log).state.next; };
    shares_.read(reader_, max, options_.max_poll_bytes, end_of, batch);
    return batch.build();
  });
}

Result<std::vector<Extent>> EngineConsumer::extents(std::span<const TopicPartition> partitions,
                                                    std::chrono::milliseconds) {
  return guarded([&] {
    return extents_of(*writer_.catalogue(), partitions, [this](Log& log) {
      const LogState& state = writer_.at(log).state;
      return Extent{state.start, state.next};
    });
  });
}

void EngineConsumer::rolled_back() {
  for (auto& [at, share] : shares_.all()) {
    if (share.log) share.position = std::min(share.position, writer_.at(*share.log).state.next);
  }
}

}  // namespace dropline::stream::sqlite
