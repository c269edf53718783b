#include "dropline/worker/publisher.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "dropline/base/ensure.hpp"
#include "dropline/stream/errors.hpp"

namespace dropline::worker {
namespace {

constexpr std::chrono::milliseconds kRebuildPause{200};
constexpr std::chrono::milliseconds kCloseLimit{500};

enum class Mark : std::uint8_t { open, sent, in_log };

struct Row {
  Shard shard{};
  std::int64_t seq = 0;
  Frames frames;
  std::vector<Mark> marks;
  std::size_t missing = 0;  ///< records not known to be in the log
  bool forgotten = false;   ///< the shard has another owner; kept only for the tokens under way
};

/// Which record a delivery speaks of: the row's number since the start, and the record in it.
constexpr std::uint64_t token(std::uint64_t row, std::size_t record) {
  return row << 20 | record;
}

}  // namespace

struct Publisher::State {
  State(stream::Stream& log, const Clock& time) : stream(log), clock(time) {}

  stream::Stream& stream;
  const Clock& clock;

  std::deque<Row> rows;
  std::uint64_t first_row = 0;  ///< number of rows.front()
  std::uint64_t send_row = 0;   ///< where sending goes on
  std::size_t send_record = 0;
  std::vector<std::pair<Shard, std::int64_t>> finished;

  std::unique_ptr<stream::Producer> producer;
  std::uint64_t generation = 0;
  Clock::Steady rebuild_at{};
  bool failed = false;
  std::string trouble;

  std::mutex inbox_lock;
  std::vector<std::pair<std::uint64_t, stream::Delivery>> inbox;  ///< with the generation

  bool ready();
  bool send();
  bool take_in();
  void settle(const stream::Delivery& delivery);
  void start_over(std::string why);
  void drop_finished_rows();
};

/// Makes a producer where there is none and the pause after a failure is over.
bool Publisher::State::ready() {
  if (producer && !failed) return true;
  if (clock.steady() < rebuild_at) return false;
  if (producer) {
    producer->close(kCloseLimit);
    producer.reset();
    take_in();
    start_over(trouble);
  }
  rebuild_at = clock.steady() + kRebuildPause;
  const auto born = ++generation;
  auto made = stream.producer([this, born](std::span<const stream::Delivery> deliveries) {
    const std::lock_guard guard(inbox_lock);
    for (const auto& delivery : deliveries)
      inbox.emplace_back(born, delivery);
  });
  if (!made) {
    trouble = made.error().text();
    return false;
  }
  producer = std::move(*made);
  failed = false;
  return true;
}

/// Everything not acknowledged is sent again from its beginning, in order.
void Publisher::State::start_over(std::string why) {
  trouble = std::move(why);
  send_row = first_row;
  send_record = 0;
  for (auto& row : rows)
    std::ranges::replace(row.marks, Mark::sent, Mark::open);
}

bool Publisher::State::send() {
  bool moved = false;
  while (send_row < first_row + rows.size()) {
    auto& row = rows[send_row - first_row];
    const auto& drafts = row.frames.drafts();
    for (; send_record < drafts.size(); ++send_record) {
      if (row.forgotten || row.marks[send_record] != Mark::open) continue;
      const auto sent = producer->send(drafts[send_record], token(send_row, send_record));
      if (!sent) {
        if (sent.error().code == stream::Errc::queue_full) return moved;
        failed = true;
        trouble = sent.error().text();
        rebuild_at = clock.steady() + kRebuildPause;
        return moved;
      }
      row.marks[send_record] = Mark::sent;
      moved = true;
    }
    ++send_row;
    send_record = 0;
  }
  return moved;
}

void Publisher::State::settle(const stream::Delivery& delivery) {
  const auto number = delivery.token >> 20;
  const auto record = static_cast<std::size_t>(delivery.token & 0xFFFFF);
  if (number < first_row || number >= first_row + rows.size()) return;
  auto& row = rows[number - first_row];
  if (delivery.outcome == stream::Outcome::acknowledged) {
    if (row.marks[record] == Mark::in_log) return;
    row.marks[record] = Mark::in_log;
    --row.missing;
    return;
  }
  if (row.marks[record] == Mark::in_log) return;
  failed = true;
  trouble = "a record of a committed batch was not taken: " + delivery.error.message();
  rebuild_at = clock.steady() + kRebuildPause;
}

bool Publisher::State::take_in() {
  std::vector<std::pair<std::uint64_t, stream::Delivery>> news;
  {
    const std::lock_guard guard(inbox_lock);
    news.swap(inbox);
  }
  for (const auto& [born, delivery] : news) {
    // A failure told by a producer that was replaced is stale; a success counts whoever tells it.
    if (born == generation || delivery.outcome == stream::Outcome::acknowledged) settle(delivery);
  }
  return !news.empty();
}

void Publisher::State::drop_finished_rows() {
  while (!rows.empty() && (rows.front().missing == 0 || rows.front().forgotten) &&
         send_row > first_row) {
    const auto& row = rows.front();
    if (!row.forgotten) finished.emplace_back(row.shard, row.seq);
    rows.pop_front();
    ++first_row;
  }
}

Publisher::Publisher(stream::Stream& stream, const Clock& clock)
    : state_(std::make_unique<State>(stream, clock)) {}

Publisher::~Publisher() {
  if (state_->producer) state_->producer->close(kCloseLimit);
}

Status Publisher::take(Shard shard, std::int64_t seq, std::string bytes) {
  auto frames = Frames::open(std::move(bytes));
  if (!frames) return frames.error();
  Row row{shard, seq, std::move(*frames), {}, 0, false};
  row.missing = row.frames.drafts().size();
  ensure(row.missing < 1U << 20, "a batch says less than a million things");
  row.marks.assign(row.missing, Mark::open);
  state_->rows.push_back(std::move(row));
  return {};
}

bool Publisher::pump() {
  bool moved = state_->take_in();
  if (state_->rows.empty()) return moved;
  if (state_->ready()) moved |= state_->send();
  state_->drop_finished_rows();
  if (state_->rows.empty()) state_->trouble.clear();
  return moved;
}

std::vector<std::pair<Shard, std::int64_t>> Publisher::take_finished() {
  return std::exchange(state_->finished, {});
}

void Publisher::forget(Shard shard) {
  for (auto& row : state_->rows)
    if (row.shard == shard) row.forgotten = true;
  std::erase_if(state_->finished, [shard](const auto& row) { return row.first == shard; });
}

bool Publisher::has_room() const {
  return state_->rows.size() < kMaxRows;
}
std::size_t Publisher::rows() const {
  return state_->rows.size();
}

std::size_t Publisher::records() const {
  std::size_t count = 0;
  for (const auto& row : state_->rows)
    count += row.forgotten ? 0 : row.missing;
  return count;
}

bool Publisher::busy(Shard shard) const {
  return std::ranges::any_of(state_->rows, [shard](const Row& row) {
    return row.shard == shard && !row.forgotten && row.missing > 0;
  });
}

bool Publisher::drain(std::chrono::milliseconds limit) {
  const auto until = state_->clock.steady() + limit;
  pump();
  while (!state_->rows.empty() && state_->clock.steady() < until) {
    if (state_->producer) state_->producer->flush(std::chrono::milliseconds(20));
    pump();
  }
  return state_->rows.empty();
}

std::string Publisher::health() const {
  return state_->trouble;
}

}  // namespace dropline::worker
