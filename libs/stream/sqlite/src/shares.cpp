#include "shares.hpp"

#include <algorithm>
#include <utility>

namespace dropline::stream::sqlite {
namespace {

bool has_more(const Shares::Share& share, const std::function<std::int64_t(const Log&)>& end_of) {
  if (share.silent || !share.log) return false;
  return end_of(*share.log) > share.position || share.log->removed ||
         share.log->start > share.position;
}

}  // namespace

void Shares::complain(Share& share, Error error) {
  share.silent = true;
  errors_.push_back({share.at, std::move(error)});
}

void Shares::assign(const Catalogue& catalogue, const Position& position,
                    const std::function<Extent(Log&)>& extent) {
  // A partition sought has nothing more to say of where it was.
  std::erase_if(errors_, [&](const auto& each) { return each.at == position.at; });
  Share& share = shares_[position.at];
  share = Share{position.at, nullptr, position.offset, false};
  const auto topic = catalogue.find(position.at.topic);
  if (topic == catalogue.end()) {
    complain(share, error(Errc::unknown_topic, "there is no topic " + position.at.topic));
    return;
  }
  const auto& logs = topic->second.logs;
  if (position.at.partition < 0 || static_cast<std::size_t>(position.at.partition) >= logs.size()) {
    complain(share,
             error(Errc::bad_partition, "topic " + position.at.topic + " has partitions 0 to " +
                                            std::to_string(logs.size() - 1) + ", not " +
                                            std::to_string(position.at.partition)));
    return;
  }
  share.log = logs[static_cast<std::size_t>(position.at.partition)];
  const Extent found = extent(*share.log);
  if (position.offset == Position::kStart) {
    share.position = found.start;
  } else if (position.offset == Position::kEnd) {
    share.position = found.end;
  } else if (position.offset < found.start || position.offset > found.end) {
    complain(share, position_lost(*share.log, position.offset, found));
  }
}

std::shared_ptr<Log> Shares::unassign(const TopicPartition& at) {
  std::erase_if(errors_, [&](const auto& each) { return each.at == at; });
  const auto found = shares_.find(at);
  if (found == shares_.end()) return nullptr;
  auto log = found->second.log;
  shares_.erase(found);
  return log;
}

bool Shares::ready(const std::function<std::int64_t(const Log&)>& end_of) const {
  if (!errors_.empty()) return true;
  return std::any_of(shares_.begin(), shares_.end(),
                     [&](const auto& each) { return has_more(each.second, end_of); });
}

void Shares::read_one(Share& share, LogReader& reader, std::size_t& max, std::size_t& max_bytes,
                      BatchBuilder& into) {
  Reading reading;
  try {
    reader.read(share.log, share.position, max, max_bytes, into, reading);
  } catch (const ErrorException& exception) {
    // What was read before the error is whole, and is given.
    if (!exception.error().transient()) {
      complain(share, exception.error());
    } else if (into.records.empty()) {
      throw;
    } else {
      max = reading.records;
    }
  }
  share.position = std::max(share.position, reading.next);
  max -= reading.records;
  max_bytes -= std::min(max_bytes, reading.bytes);
}

void Shares::read(LogReader& reader, std::size_t max, std::size_t max_bytes,
                  const std::function<std::int64_t(const Log&)>& end_of, BatchBuilder& into) {
  auto at = shares_.lower_bound(first_);
  for (std::size_t left = shares_.size(); left > 0 && max > 0 && max_bytes > 0; --left) {
    if (at == shares_.end()) at = shares_.begin();
    Share& share = at->second;
    ++at;
    if (has_more(share, end_of)) read_one(share, reader, max, max_bytes, into);
    first_ = at == shares_.end() ? TopicPartition{} : at->first;
  }
  into.errors = std::exchange(errors_, {});
}

}  // namespace dropline::stream::sqlite
