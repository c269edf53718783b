#include "topic_reader.hpp"

#include <algorithm>

#include "dropline/stream/errors.hpp"

namespace dropline::audit {
namespace {

constexpr std::size_t kPollRecords = 5'000;
constexpr std::chrono::milliseconds kPollWait{100};
constexpr std::chrono::seconds kExtentsLimit{10};

}  // namespace

Result<std::vector<stream::Extent>> read_topic(
    stream::Stream& stream, const Clock& clock, const Reading& reading,
    const std::function<void(const stream::Record&)>& take) {
  auto consumer = stream.consumer();
  if (!consumer) return consumer.error();
  std::vector<stream::TopicPartition> asked;
  for (const auto partition : reading.partitions)
    asked.push_back({reading.topic, partition});
  auto extents = (*consumer)->extents(asked, kExtentsLimit);
  if (!extents) return extents.error();
  std::vector<stream::Position> from;
  std::map<std::int32_t, std::int64_t> ends;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& extent = (*extents)[i];
    if (extent.end <= extent.start) continue;
    from.push_back({asked[i], stream::Position::kStart});
    ends[asked[i].partition] = extent.end;
  }
  if (auto assigned = (*consumer)->assign(from); !assigned) return assigned.error();
  auto heard = clock.steady();
  const std::chrono::seconds limit = reading.compacted ? kCompactedLimit : kReadLimit;
  while (!ends.empty()) {
    auto batch = (*consumer)->poll(kPollRecords, kPollWait);
    if (!batch) return batch.error();
    if (!batch->errors().empty()) return batch->errors().front().error;
    for (const auto& record : batch->records()) {
      const auto end = ends.find(record.partition);
      if (end == ends.end()) continue;
      if (record.offset < end->second) take(record);
      if (record.offset + 1 >= end->second) ends.erase(end);
    }
    if (!batch->records().empty()) heard = clock.steady();
    if (clock.steady() - heard < limit) continue;
    if (reading.compacted) break;
    return stream::error(stream::Errc::timed_out,
                         reading.topic + '/' + std::to_string(ends.begin()->first) +
                             " gave no record within the time; is the broker reachable?");
  }
  return extents;
}

}  // namespace dropline::audit
