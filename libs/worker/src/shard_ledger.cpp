#include "dropline/worker/shard_ledger.hpp"

#include <algorithm>

#include "dropline/store/table.hpp"

namespace dropline::worker {
namespace {

using store::Type;

constexpr store::Column kShardColumns[] = {{"shard", Type::int64},
                                           {"epoch", Type::int64},
                                           {"seq", Type::int64},
                                           {"positions", Type::text},
                                           {"watermarks", Type::text}};
constexpr store::Column kOutboxColumns[] = {
    {"shard", Type::int64}, {"seq", Type::int64}, {"frames", Type::bytes}};
constexpr store::Column kHeldColumns[] = {{"shard", Type::int64},      {"order_id", Type::text},
                                          {"place", Type::int64},      {"topic", Type::text},
                                          {"log_offset", Type::int64}, {"frames", Type::bytes},
                                          {"reason", Type::text},      {"action", Type::text}};

std::vector<std::int64_t> numbers(std::span<const Shard> shards) {
  std::vector<std::int64_t> out;
  out.reserve(shards.size());
  for (const auto shard : shards)
    out.push_back(number(shard));
  std::ranges::sort(out);
  return out;
}

Shard shard_at(const store::Rows::Row& row, std::size_t column) {
  return Shard(static_cast<std::int32_t>(row.int64(column)));
}

std::vector<ShardRow> shard_rows(const store::Rows& rows) {
  std::vector<ShardRow> out;
  out.reserve(rows.size());
  for (const auto row : rows)
    out.push_back({shard_at(row, 0), row.int64(1), row.int64(2), std::string(row.text(3)),
                   std::string(row.text(4))});
  std::ranges::sort(out, {}, &ShardRow::shard);
  return out;
}

}  // namespace

Result<std::vector<ShardRow>> ShardLedger::claim(store::Session& session,
                                                 std::span<const Shard> shards) const {
  const store::Table table{service_, "shards", kShardColumns, 1};
  store::RowBuffer fresh(table);
  for (const auto shard : numbers(shards))
    fresh.add(shard).add(0).add(0).add("").add("");
  if (auto added = store::insert(session, table, fresh, store::OnConflict::ignore); !added)
    return added.error();

  // Locked in order first: two owners that claim the same shards at once must not deadlock.
  if (auto locked = lock(session, shards); !locked) return locked.error();
  store::Params params;
  const auto wanted = numbers(shards);
  params.add_list("shards", wanted);
  auto rows = store::query(session,
                           {"claim shards", service_,
                            "UPDATE {shards} SET epoch = epoch + 1 WHERE shard {any:shards:int64} "
                            "RETURNING shard, epoch, seq, positions, watermarks"},
                           params, {Type::int64, Type::int64, Type::int64, Type::text, Type::text});
  if (!rows) return rows.error();
  return shard_rows(*rows);
}

Result<std::vector<ShardRow>> ShardLedger::lock(store::Session& session,
                                                std::span<const Shard> shards) const {
  const store::Table table{service_, "shards", kShardColumns, 1};
  auto keys = store::RowBuffer::keys(table);
  for (const auto shard : numbers(shards))
    keys.add(shard);
  auto rows = store::load(session, table, keys, store::Lock::for_update);
  if (!rows) return rows.error();
  return shard_rows(*rows);
}

Status ShardLedger::save(store::Session& session, std::span<const ShardRow> updates) const {
  // The epoch is written back as it was read: the row is locked, and nobody else may change it.
  const store::Table table{service_, "shards", kShardColumns, 1};
  store::RowBuffer rows(table);
  for (const auto& update : updates)
    rows.add(number(update.shard))
        .add(update.epoch)
        .add(update.seq)
        .add(update.positions)
        .add(update.watermarks);
  return store::upsert(session, table, rows);
}

Status ShardLedger::add_outbox(store::Session& session, std::span<const OutboxRow> outbox) const {
  const store::Table table{service_, "outbox", kOutboxColumns, 2};
  store::RowBuffer rows(table);
  for (const auto& row : outbox)
    rows.add(number(row.shard)).add(row.seq).add(row.frames);
  auto added = store::insert(session, table, rows);
  if (!added) return added.error();
  return {};
}

Status ShardLedger::forget_outbox(store::Session& session,
                                  std::span<const std::pair<Shard, std::int64_t>> rows) const {
  const store::Table table{service_, "outbox", kOutboxColumns, 2};
  auto keys = store::RowBuffer::keys(table);
  for (const auto& [shard, seq] : rows)
    keys.add(number(shard)).add(seq);
  auto gone = store::erase(session, table, keys);
  if (!gone) return gone.error();
  return {};
}

Result<std::vector<OutboxRow>> ShardLedger::outbox(store::Session& session,
                                                   std::span<const Shard> shards) const {
  store::Params params;
  const auto wanted = numbers(shards);
  params.add_list("shards", wanted);
  auto rows = store::query(session,
                           {"read outbox", service_,
                            "SELECT shard, seq, frames FROM {outbox} "
                            "WHERE shard {any:shards:int64} ORDER BY shard, seq"},
                           params, {Type::int64, Type::int64, Type::bytes});
  if (!rows) return rows.error();
  std::vector<OutboxRow> out;
  for (const auto row : *rows)
    out.push_back({shard_at(row, 0), row.int64(1), std::string(row.text(2))});
  return out;
}

Status ShardLedger::hold(store::Session& session, std::span<const HeldRecord> records) const {
  const store::Table table{service_, "held", kHeldColumns, 3};
  store::RowBuffer rows(table);
  for (const auto& held : records)
    rows.add(number(held.shard))
        .add(held.order)
        .add(held.place)
        .add(held.topic)
        .add(held.offset)
        .add(held.frames)
        .add(held.reason)
        .add(held.action);
  return store::upsert(session, table, rows);
}

Result<std::vector<HeldRecord>> ShardLedger::held(store::Session& session,
                                                  std::span<const Shard> shards) const {
  store::Params params;
  const auto wanted = numbers(shards);
  params.add_list("shards", wanted);
  auto rows = store::query(
      session,
      {"read held", service_,
       "SELECT shard, order_id, place, topic, log_offset, frames, reason, action FROM {held} "
       "WHERE shard {any:shards:int64} ORDER BY shard, order_id, place"},
      params,
      {Type::int64, Type::text, Type::int64, Type::text, Type::int64, Type::bytes, Type::text,
       Type::text});
  if (!rows) return rows.error();
  std::vector<HeldRecord> out;
  for (const auto row : *rows)
    out.push_back({shard_at(row, 0), std::string(row.text(1)), row.int64(2),
                   std::string(row.text(3)), row.int64(4), std::string(row.text(5)),
                   std::string(row.text(6)), std::string(row.text(7))});
  return out;
}

Status ShardLedger::release_held(store::Session& session, Shard shard,
                                 std::string_view order) const {
  store::Params params;
  params.add("shard", number(shard)).add("order", order);
  auto gone = store::change(
      session,
      {"release held", service_, "DELETE FROM {held} WHERE shard = :shard AND order_id = :order"},
      params);
  if (!gone) return gone.error();
  return {};
}

}  // namespace dropline::worker
