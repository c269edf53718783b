#include "rankings.hpp"

#include <algorithm>
#include <map>
#include <ostream>

#include "common/web.hpp"
#include "dropline/rankings/rankings_store.hpp"
#include "dropline/rankings/rebuild.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"
#include "dropline/worker/shard.hpp"
#include "source.hpp"

namespace dropline::apps {
namespace {

constexpr std::chrono::milliseconds kPoll{500};
constexpr std::chrono::seconds kStall{30};
constexpr std::chrono::seconds kExtents{10};
constexpr std::size_t kRecords = 2'000;

/// The next offset of `orders.events` that the service reads, by shard.
using Places = std::map<std::int32_t, std::int64_t>;

Result<Places> places(store::Session& session) {
  const auto rows = store::query(
      session, {"positions", "rankings", "SELECT shard, positions FROM {shards} ORDER BY shard"},
      {}, {store::Type::int64, store::Type::text});
  if (!rows) return rows.error();
  Places out;
  for (const auto row : *rows) {
    const auto positions = worker::parse_positions(row.text(1));
    if (!positions) return positions.error();
    const auto at = positions->find(contracts::topic::kOrdersEvents);
    if (at != positions->end()) out[static_cast<std::int32_t>(row.int64(0))] = at->second.next;
  }
  return out;
}

struct Counted {
  Places places;
  rankings::Sales sales;
};

/// The rows and the places that they belong to: nothing may move between the two readings.
Result<Counted> counted(store::Session& session) {
  constexpr int kLooks = 50;
  for (int look = 0; look < kLooks; ++look) {
    auto before = places(session);
    if (!before) return before.error();
    auto sales = rankings::load_sales(session);
    if (!sales) return sales.error();
    const auto after = places(session);
    if (!after) return after.error();
    if (*before == *after) return Counted{std::move(*before), std::move(*sales)};
  }
  return store::error(store::Errc::busy, "sales come in faster than they can be read");
}

/// Reads each partition as far as the service has.
Status recount(Source& source, const std::string& topic, const Places& places,
               rankings::Recount& out) {
  auto consumer = source.stream->consumer();
  if (!consumer) return consumer.error();
  std::vector<stream::TopicPartition> all;
  std::vector<stream::Position> from;
  for (const auto& [partition, next] : places) {
    all.push_back({topic, partition});
    from.push_back({all.back(), stream::Position::kStart});
  }
  if (all.empty()) return {};
  const auto extents = (*consumer)->extents(all, kExtents);
  if (!extents) return extents.error();
  Places left;
  for (std::size_t i = 0; i < all.size(); ++i)
    if ((*extents)[i].start < places.at(all[i].partition))
      left[all[i].partition] = places.at(all[i].partition);
  if (auto done = (*consumer)->assign(from); !done) return done;
  auto patience = source.clock.steady() + kStall;
  while (!left.empty()) {
    const auto batch = (*consumer)->poll(kRecords, kPoll);
    if (!batch) return batch.error();
    for (const auto& record : batch->records()) {
      out.take(record);
      const auto end = left.find(record.partition);
      if (end != left.end() && record.offset + 1 >= end->second) left.erase(end);
    }
    if (!batch->empty()) patience = source.clock.steady() + kStall;
    if (source.clock.steady() > patience)
      return store::error(store::Errc::unreachable, topic + " ends before what was read of it");
  }
  return {};
}

}  // namespace

int audit_rankings(const config::Invocation& call) {
  Source source;
  if (auto opened = open(source, call.settings()); !opened) return fail(opened.error());
  const auto live = counted(*source.session);
  if (!live) return fail(live.error());
  rankings::Recount recounted(live->places);
  const auto topic =
      call.settings().text("topics.prefix") + std::string(contracts::topic::kOrdersEvents);
  if (auto read = recount(source, topic, live->places, recounted); !read) return fail(read.error());
  const auto found = rankings::differences(live->sales, recounted.sales(),
                                           live->sales.size() + recounted.sales().size());
  const auto most = static_cast<std::size_t>(call.own().integer("most"));
  for (std::size_t i = 0; i < std::min(most, found.size()); ++i)
    call.out() << "violation rankings_sales: " << found[i] << '\n';
  call.out() << recounted.facts() << " sales and returns counted again, " << live->sales.size()
             << " rows compared, " << found.size() << " differ\n";
  return found.empty() ? 0 : 1;
}

}  // namespace dropline::apps
