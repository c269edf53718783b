#include "dropline/shop/live.hpp"

#include <algorithm>
#include <charconv>

#include "dropline/contracts/envelope.hpp"

namespace dropline::shop {
namespace {

constexpr std::size_t kMaxWaiting = 1'000;

template <class Number>
bool read_number(std::string_view text, Number& out) noexcept {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
  return wrong == std::errc{} && end == text.data() + text.size() && out >= 0;
}

}  // namespace

std::optional<Live::Place> Live::Place::parse(std::string_view text) noexcept {
  const auto dash = text.find('-');
  Place place;
  if (dash == std::string_view::npos || !read_number(text.substr(0, dash), place.partition) ||
      !read_number(text.substr(dash + 1), place.offset))
    return std::nullopt;
  return place;
}

std::string Live::Place::text() const {
  return std::to_string(partition) + '-' + std::to_string(offset);
}

Live::Live(const Clock& clock, std::int32_t partitions)
    : clock_(clock),
      reaches_(static_cast<std::size_t>(partitions)),
      ends_(static_cast<std::size_t>(partitions)) {}

Live::~Live() {
  for (auto& [member, streams] : open_)
    for (auto& each : streams) {
      each.stream->on_closed({});
      each.stream->close();
    }
}

void Live::take(const stream::Record& record) {
  take(record, true);
}

void Live::take_coupon(const stream::Record& record) {
  take(record, false);
}

void Live::take(const stream::Record& record, bool of_order) {
  const auto member = MemberId::parse(record.key.value_or(std::string_view()));
  const auto type = record.header(contracts::header::kType);
  if (!member || !type || !record.value) return;
  Step step{*member, of_order, {record.partition, record.offset}, clock_.steady(), {}};
  const auto id = of_order ? step.place.text() : std::string();
  if (!http::append_event(step.bytes, {id, *type, *record.value})) return;
  const std::lock_guard guard(lock_);
  if (const auto found = open_.find(*member); found != open_.end()) {
    const auto now = clock_.now();
    for (auto& each : found->second) {
      if (each.until && *each.until <= now) {
        each.stream->close();
      } else if (!each.held) {
        each.stream->send_encoded(step.bytes);
      } else if (each.waiting.size() < kMaxWaiting) {
        each.waiting.push_back(step.bytes);
      } else {
        each.stream->close();
      }
    }
  }
  keep(std::move(step));
}

/// With the lock held.
void Live::keep(Step step) {
  const auto partition = static_cast<std::size_t>(step.place.partition);
  if (partition >= reaches_.size()) return;
  if (step.of_order) {
    if (!reaches_[partition]) reaches_[partition] = step.place.offset;
    ends_[partition] = step.place.offset;
  }
  bytes_ += step.bytes.size();
  ring_.push_back(std::move(step));
  of_member_[ring_.back().member].push_back(&ring_.back());
  const auto oldest = ring_.back().at - kKept;
  while (bytes_ > kMaxBytes || ring_.front().at < oldest)
    forget_oldest();
}

void Live::forget_oldest() {
  const Step& step = ring_.front();
  if (step.of_order)
    reaches_[static_cast<std::size_t>(step.place.partition)] = step.place.offset + 1;
  const auto found = of_member_.find(step.member);
  found->second.pop_front();
  if (found->second.empty()) of_member_.erase(found);
  bytes_ -= step.bytes.size();
  ring_.pop_front();
}

/// With the lock held: is everything of the member's after this place in the ring?
bool Live::covers(const MemberId& member, const Place& last) const {
  const auto partition = static_cast<std::size_t>(last.partition);
  if (partition >= reaches_.size() || !reaches_[partition]) return false;
  // A place that nobody was told of: of another log, or made up.
  if (last.offset > ends_[partition] || last.offset < *reaches_[partition] - 1) return false;
  // All of a member's steps are in one partition.
  const auto found = of_member_.find(member);
  return found == of_member_.end() || found->second.back()->place.partition == last.partition;
}

/// With the lock held.
void Live::resume(const MemberId& member, const Place& last, http::EventStream& stream) const {
  const auto found = of_member_.find(member);
  if (found == of_member_.end()) return;
  auto since = Clock::Steady::min();
  for (const auto* step : found->second)
    if (step->of_order && step->place.offset == last.offset) since = step->at - kOverlap;
  for (const auto* step : found->second)
    if (step->of_order ? step->place.offset > last.offset : step->at >= since)
      stream.send_encoded(step->bytes);
}

std::optional<Live::Opened> Live::open(const MemberId& member, http::EventStreamPtr stream,
                                       const std::optional<Place>& last,
                                       std::optional<Timestamp> until) {
  const std::lock_guard guard(lock_);
  auto& streams = open_[member];
  if (streams.size() >= kMaxStreamsOfMember) return std::nullopt;
  Stream added{++last_ticket_, std::move(stream), until, true, {}};
  if (last && covers(member, *last)) {
    added.held = false;
    resume(member, *last, *added.stream);
  }
  const Opened out{added.ticket, added.held};
  streams.push_back(std::move(added));
  return out;
}

void Live::begin(const MemberId& member, std::uint64_t ticket, std::string_view snapshot) {
  const std::lock_guard guard(lock_);
  const auto found = open_.find(member);
  if (found == open_.end()) return;
  for (auto& each : found->second) {
    if (each.ticket != ticket) continue;
    each.stream->send_encoded(snapshot);
    for (const auto& step : each.waiting)
      each.stream->send_encoded(step);
    each.waiting.clear();
    each.held = false;
  }
}

void Live::close(const MemberId& member, std::uint64_t ticket) {
  const std::lock_guard guard(lock_);
  const auto found = open_.find(member);
  if (found == open_.end()) return;
  std::erase_if(found->second, [&](const Stream& s) { return s.ticket == ticket; });
  if (found->second.empty()) open_.erase(found);
}

std::size_t Live::streams_of(const MemberId& member) const {
  const std::lock_guard guard(lock_);
  const auto found = open_.find(member);
  return found == open_.end() ? 0 : found->second.size();
}

}  // namespace dropline::shop
