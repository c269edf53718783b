#include "feeds_store.hpp"

#include <algorithm>

#include "dropline/feeds/feeds_queries.hpp"
#include "dropline/store/table.hpp"

namespace dropline::feeds {
namespace {

using store::Type;

constexpr store::Column kColumns[] = {{"member", Type::uuid}, {"position", Type::int64},
                                      {"event", Type::uuid},  {"shard", Type::int64},
                                      {"kind", Type::text},   {"body", Type::text},
                                      {"at", Type::int64}};
constexpr store::Table kBacklog{"feeds", "backlog", kColumns, 2};

constexpr store::Statement kWaiting{
    "feeds_waiting", "feeds",
    "SELECT DISTINCT member FROM {backlog} WHERE member {any:members:uuid}"};
constexpr store::Statement kWhose{"feeds_whose", "feeds",
                                  "SELECT DISTINCT member FROM {backlog} "
                                  "WHERE event {any:events:uuid}"};
constexpr store::Statement kTaken{"feeds_taken", "feeds",
                                  "DELETE FROM {backlog} WHERE event {any:events:uuid}"};
constexpr store::Statement kNext{
    "feeds_next", "feeds",
    "SELECT b.event, b.shard, b.kind, b.body FROM {backlog} AS b JOIN (SELECT member, "
    "MIN(position) AS position FROM {backlog} WHERE member {any:members:uuid} GROUP BY member) "
    "AS f ON f.member = b.member AND f.position = b.position ORDER BY b.member"};
constexpr store::Statement kCount{"feeds_backlog", "feeds",
                                  "SELECT COUNT(*), COUNT(DISTINCT member), MIN(at) "
                                  "FROM {backlog}"};
constexpr store::Statement kStuck{
    "feeds_stuck", "feeds",
    "SELECT call, kind, attempts, due_at FROM {calls} WHERE due_at IS NOT NULL AND attempts > 0 "
    "ORDER BY attempts DESC, due_at LIMIT :limit"};

}  // namespace

Result<std::vector<MemberId>> waiting_among(store::Session& session,
                                            std::span<const Uuid> members) {
  store::Params params;
  params.add_list("members", members);
  const auto rows = store::query(session, kWaiting, params, {Type::uuid});
  if (!rows) return rows.error();
  std::vector<MemberId> waiting;
  for (const auto row : *rows)
    waiting.push_back(row.id<MemberId>(0));
  return waiting;
}

Status add(store::Session& session, const std::vector<Placed>& events, Timestamp at) {
  store::RowBuffer rows(kBacklog);
  rows.reserve(events.size());
  for (const auto& placed : events) {
    rows.add(placed.event.member).add(placed.position).add(placed.event.id);
    rows.add(worker::number(placed.shard)).add(placed.event.kind).add(placed.event.body).add(at);
  }
  auto done = store::insert(session, kBacklog, rows, store::OnConflict::ignore);
  if (!done) return done.error();
  return {};
}

Result<std::vector<worker::Call>> take_off(store::Session& session, std::span<const Uuid> events,
                                           Timestamp now) {
  store::Params which;
  which.add_list("events", events);
  const auto whose = store::query(session, kWhose, which, {Type::uuid});
  if (!whose) return whose.error();
  std::vector<Uuid> members;
  for (const auto row : *whose)
    members.push_back(row.uuid(0));
  if (auto done = store::change(session, kTaken, which); !done) return done.error();
  std::vector<worker::Call> calls;
  if (members.empty()) return calls;
  store::Params of;
  of.add_list("members", members);
  const auto next =
      store::query(session, kNext, of, {Type::uuid, Type::int64, Type::text, Type::text});
  if (!next) return next.error();
  for (const auto row : *next)
    calls.push_back({row.uuid(0), worker::Shard(static_cast<std::int32_t>(row.int64(1))),
                     std::string(row.text(2)), std::string(row.text(3)), 0, now});
  return calls;
}

Result<Backlog> read_backlog(store::Session& session) {
  const auto rows = store::query(session, kCount, {}, {Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  const auto row = rows->front();
  Backlog backlog{row.int64(0), row.int64(1), {}};
  if (!row.is_null(2)) backlog.oldest = row.time(2);
  return backlog;
}

Result<std::vector<Stuck>> read_stuck(store::Session& session, std::int64_t limit) {
  store::Params params;
  params.add("limit", std::clamp(limit, std::int64_t{1}, kMaxStuck));
  const auto rows =
      store::query(session, kStuck, params, {Type::uuid, Type::text, Type::int64, Type::int64});
  if (!rows) return rows.error();
  std::vector<Stuck> stuck;
  for (const auto row : *rows)
    stuck.push_back({row.uuid(0), std::string(row.text(1)), row.int64(2), row.time(3)});
  return stuck;
}

}  // namespace dropline::feeds
