#include "dropline/worker/engine.hpp"

#include <algorithm>
#include <thread>

#include "dropline/store/errors.hpp"
#include "dropline/store/transaction.hpp"
#include "dropline/telemetry/log.hpp"
#include "dropline/worker/errors.hpp"

namespace dropline::worker {
namespace {
const log::Logger kLog("engine");
}

struct Engine::Seat {
  std::unique_ptr<stream::Membership> membership;
  std::unique_ptr<stream::Consumer> consumer;
  std::unique_ptr<Loop> loop;
  std::string name;
  bool applied = false;   ///< something of this round waits for its commit
  bool gathered = false;  ///< it has read in this round, perhaps what the round itself appended
  Clock::Steady retry_at{};
};

Engine::Engine(Parts parts) : parts_(std::move(parts)), outlet_(parts_.log.appender()) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::start(
    Parts parts, std::span<const std::pair<Service*, LoopMetrics>> services) {
  std::unique_ptr<Engine> engine(new Engine(std::move(parts)));
  auto& p = engine->parts_;
  p.loop.savepoints_always = true;
  for (const auto& [service, metrics] : services) {
    auto seat = std::make_unique<Seat>();
    const auto& spec = service->spec();
    seat->name = spec.name;
    auto consumer = p.log.consumer();
    if (!consumer) return consumer.error();
    seat->consumer = std::move(*consumer);
    auto membership =
        p.stream.join(p.loop.topic_prefix + spec.name, p.loop.topic_prefix + spec.anchor, "engine");
    if (!membership) return membership.error();
    seat->membership = std::move(*membership);
    seat->loop = std::make_unique<Loop>(Loop::Ports{*service, *seat->membership, *seat->consumer,
                                                    engine->outlet_, p.clock, p.random, p.keys},
                                        p.loop, metrics);
    engine->seats_.push_back(std::move(seat));
  }
  return engine;
}

bool Engine::step(std::chrono::milliseconds wait) {
  const auto now = parts_.clock.steady();
  if (retry_at_ > now) {
    // Not wait_for_work(): what is queued would end that at once.
    std::this_thread::sleep_for(std::min<Clock::Steady::duration>(wait, retry_at_ - now));
    if (retry_at_ > parts_.clock.steady()) return false;
  } else if (idle_) {
    for (const auto& seat : seats_)
      wait = std::min(wait, seat->loop->until_due());
    static_cast<void>(parts_.log.wait_for_work(wait));
  }
  bool moved = false;
  trouble_.clear();
  auto done = round(moved);
  idle_ = !moved;
  if (done) {
    pause_ = kPause;
    return moved;
  }
  trouble_ = done.error().text();
  kLog.warn("a round was undone", {{"error", trouble_}, {"pause", pause_}});
  retry_at_ = parts_.clock.steady() + pause_;
  pause_ = std::min(pause_ * 2, kPauseMax);
  return false;
}

Status Engine::round(bool& moved) {
  auto transaction = store::Transaction::begin(parts_.session);
  if (!transaction) return transaction.error();
  commit_failed_ = false;
  const auto body = [&]() -> Status {
    auto taken = parts_.log.take_sends(kMaxSends);
    if (!taken) return taken.error();
    moved |= *taken > 0;
    for (auto& seat : seats_)
      if (auto served = serve(*seat, moved); !served) return served;
    auto more = parts_.log.maintain();
    if (!more) return more.error();
    moved |= *more;
    return {};
  };
  auto status = body();
  if (status) {
    status = transaction->commit();
    commit_failed_ = !status;
  }
  if (status) {
    parts_.log.committed();
    for (auto& seat : seats_) {
      seat->gathered = false;
      if (std::exchange(seat->applied, false)) seat->loop->committed();
    }
    return {};
  }
  transaction->rollback();
  parts_.log.rolled_back(commit_failed_);
  // Also those that only read: it may be of records that are undone with the round.
  for (auto& seat : seats_) {
    seat->applied = false;
    if (std::exchange(seat->gathered, false)) seat->loop->rolled_back(status.error());
  }
  return status;
}

/// One service's batch in a savepoint of its own. Its failure is its own, unless it is the whole
/// database's.
Status Engine::serve(Seat& seat, bool& moved) {
  const auto now = parts_.clock.steady();
  if (seat.retry_at > now) return {};
  seat.gathered = true;
  if (auto gathered = seat.loop->gather(std::chrono::milliseconds(0)); !gathered)
    return gathered.error();
  moved |= seat.loop->read();
  if (!seat.loop->has_work()) return {};
  auto savepoint = store::Savepoint::begin(parts_.session);
  if (!savepoint) return savepoint.error();
  const auto mark = parts_.log.mark();
  auto status = seat.loop->apply(parts_.session);
  if (status) {
    seat.applied = true;
    moved = true;
    return savepoint->release();
  }
  if (status.error().code == store::Errc::disk_full || parts_.session.broken()) {
    seat.applied = true;  // Undone with the round.
    return status;
  }
  savepoint->rollback();
  parts_.log.rolled_back_to(mark);
  seat.loop->rolled_back(status.error());
  if (status.error().code != Errc::fenced) {
    trouble_ = status.error().text();
    seat.retry_at = now + kPause;
  }
  return {};
}

void Engine::drain(std::chrono::milliseconds limit) {
  const auto until = parts_.clock.steady() + limit;
  bool moved = true;
  while (moved && parts_.clock.steady() < until) {
    moved = false;
    if (!round(moved)) break;
  }
  parts_.log.stop();
}

void Engine::wake() {
  parts_.log.wake();
}

bool Engine::ready() const {
  return std::ranges::all_of(seats_, [](const auto& seat) {
    const auto shards = seat->loop->shards();
    return !shards.empty() && std::ranges::all_of(shards, [](const ShardReport& shard) {
      return shard.state == ShardState::running && shard.caught_up;
    });
  });
}

std::string Engine::health() const {
  if (!trouble_.empty()) return trouble_;
  for (const auto& seat : seats_)
    if (auto said = seat->loop->health(); !said.empty()) return said;
  return {};
}

const Loop& Engine::loop(std::size_t service) const {
  return *seats_.at(service)->loop;
}

}  // namespace dropline::worker
