#include "loop_checks.hpp"

#include <algorithm>

#include "dropline/store/table.hpp"
#include "dropline/stream/partitioner.hpp"

namespace dropline::audit {

using store::Type;

void LoopChecks::announce(Outcomes& out) {
  out.announce("worker_shard", "every shard's row is one that an owner wrote", Reach::always);
  out.announce("worker_held", "nothing waits for an operator", Reach::always);
  out.announce("worker_outbox", "what was committed reaches the log", Reach::at_rest);
  out.announce("row_owner", "rows lie in the shard of their member, product or drop",
               Reach::always);
}

Status LoopChecks::finish(const SpeechChecks* speech, const LetterChecks* letters) {
  auto shards = read_shards(session_);
  auto backlog = read_backlog(session_);
  if (!shards) return shards.error();
  if (!backlog) return backlog.error();
  for (const auto& [key, row] : *shards)
    check_shard(key, row, *backlog, speech, letters);
  for (const auto& [key, oldest] : backlog->oldest)
    out_.add("worker_outbox", key.first + ".outbox shard=" + std::to_string(key.second),
             "batches " + std::to_string(oldest) + " to " +
                 std::to_string(backlog->newest.at(key)) + " wait to be published");
  for (const auto& service : services())
    if (auto done = check_held(service.name); !done) return done;
  return check_owners();
}

void LoopChecks::check_shard(const Key& key, const worker::ShardRow& row, const Backlog& backlog,
                             const SpeechChecks* speech, const LetterChecks* letters) {
  const auto where = key.first + ".shards shard=" + std::to_string(key.second);
  if (key.second < 0 || key.second >= partitions_ || row.epoch < 1 || row.seq < 0)
    out_.add("worker_shard", where,
             "epoch " + std::to_string(row.epoch) + ", seq " + std::to_string(row.seq) +
                 ": no owner writes these");
  const auto waiting = backlog.newest.find(key);
  auto last = waiting == backlog.newest.end() ? std::int64_t{0} : waiting->second;
  if (!speech) return;
  if (const auto heard = speech->heard().find(key); heard != speech->heard().end())
    last = std::max(last, heard->second);
  if (row.seq < last)
    out_.add("worker_shard", where,
             "seq " + std::to_string(row.seq) + ", but batch " + std::to_string(last) +
                 " of it is in the log or waits for it");
  else if (row.seq > last + letters->letters(key.first, key.second))
    out_.add("worker_outbox", where,
             "seq " + std::to_string(row.seq) + ", but the log ends with its batch " +
                 std::to_string(last));
}

Status LoopChecks::check_held(const std::string& service) {
  auto rows = store::query(session_,
                           {"audit held", service,
                            "SELECT shard, order_id, reason, action FROM {held} "
                            "WHERE reason <> '' OR action NOT IN ('', 'redrive', 'drop') "
                            "ORDER BY shard, order_id, place LIMIT 1000"},
                           {}, {Type::int64, Type::text, Type::text, Type::text});
  if (!rows) return rows.error();
  for (const auto row : *rows)
    out_.add("worker_held",
             service + ".held shard=" + std::to_string(row.int64(0)) +
                 " order=" + std::string(row.text(1)),
             "set aside for '" + std::string(row.text(2)) + "', action '" +
                 std::string(row.text(3)) + "'");
  return {};
}

/// Pages, in key order: no database knows murmur2.
Status LoopChecks::check_owners(std::string_view table, std::string_view key,
                                std::string_view where) {
  constexpr std::int64_t kPage = 20'000;
  const std::string name(table);
  const std::string column(key);
  const auto sql = "SELECT " + column + ", MIN(shard), MAX(shard) FROM {" + name + "} WHERE " +
                   column + " > :after" + std::string(where) + " GROUP BY " + column +
                   " ORDER BY " + column + " LIMIT :page";
  for (Uuid after;;) {
    store::Params params;
    params.add("after", after).add("page", kPage);
    auto rows = store::query(session_, {"audit owners", "stock", sql}, params,
                             {Type::uuid, Type::int64, Type::int64});
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    for (const auto row : *rows) {
      after = row.uuid(0);
      const auto owner = stream::partition_of(after.text(), partitions_);
      if (row.int64(1) != owner || row.int64(2) != owner)
        out_.add("row_owner", name + ' ' + column + '=' + after.text(),
                 "shard " + std::to_string(row.int64(row.int64(1) == owner ? 2 : 1)) +
                     ", its key belongs to " + std::to_string(owner));
    }
  }
}

Status LoopChecks::check_owners() {
  const std::pair<std::string_view, std::string_view> owned[] = {{"ordering.orders", "member"},
                                                                 {"payments.wallets", "member"},
                                                                 {"stock.drops", "drop_id"},
                                                                 {"catalog.products", "product_id"},
                                                                 {"catalog.drops", "drop_id"}};
  for (const auto& [table, key] : owned)
    if (auto done = check_owners(table, key); !done) return done;
  // Money that passes no wallet is booked under its order, deposit or return.
  return check_owners("payments.entries", "member",
                      " AND member IN (SELECT member FROM {payments.wallets})");
}

}  // namespace dropline::audit
