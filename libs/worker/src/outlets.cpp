#include "dropline/worker/outlets.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"

namespace dropline::worker {

Status OutboxOutlet::put(store::Session& session, std::span<const Parcel> parcels) {
  collect();
  // What take_over() staged is in the table already.
  const auto taken_over = staged_.size();
  for (const auto& parcel : parcels)
    staged_.push_back({parcel.shard, parcel.seq, parcel.frames});
  if (!parcels.empty()) {
    const auto fresh = std::span<const OutboxRow>(staged_).subspan(taken_over);
    if (auto added = ledger_.add_outbox(session, fresh); !added) return added;
  }
  removing_ = finished_.size();
  return ledger_.forget_outbox(session, finished_);
}

Status OutboxOutlet::take_over(store::Session& session, std::span<const Shard> shards) {
  auto rows = ledger_.outbox(session, shards);
  if (!rows) return rows.error();
  staged_ = std::move(*rows);
  return {};
}

void OutboxOutlet::committed() {
  for (auto& row : staged_) {
    const auto taken = publisher_.take(row.shard, row.seq, std::move(row.frames));
    // Written by this program or, in the database, by an older version of it: a row that cannot be
    // read is damage, and publishing what follows it would put later messages before it.
    ensure(taken.has_value(), "an outbox row can be read");
  }
  staged_.clear();
  finished_.erase(finished_.begin(), finished_.begin() + static_cast<std::ptrdiff_t>(removing_));
  removing_ = 0;
}

void OutboxOutlet::rolled_back() {
  staged_.clear();
  removing_ = 0;
}

void OutboxOutlet::forget(Shard shard) {
  publisher_.forget(shard);
  std::erase_if(finished_, [shard](const auto& row) { return row.first == shard; });
}

void OutboxOutlet::collect() {
  const auto more = publisher_.take_finished();
  finished_.insert(finished_.end(), more.begin(), more.end());
}

Status AppendOutlet::put(store::Session&, std::span<const Parcel> parcels) {
  for (const auto& parcel : parcels) {
    auto frames = Frames::open(parcel.frames);
    if (!frames) return frames.error();
    if (auto appended = appender_.append(frames->drafts()); !appended) return appended;
  }
  return {};
}

}  // namespace dropline::worker
