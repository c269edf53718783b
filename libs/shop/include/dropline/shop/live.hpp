#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/http/exchange.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::shop {

/// Members' orders as they change (`GET /v1/events`): a ring of the last steps of everybody's
/// orders, and the open streams. An event's id is its place in `orders.events`; who comes back with
/// one that the ring still reaches misses nothing, everybody else is told the whole first. What
/// becomes of coupons is told between them, without ids: after a break such an event may come once
/// more. Bounded by time and bytes. Any thread; take() and take_coupon() by one.
class Live final {
 public:
  static constexpr std::chrono::minutes kKept{10};
  static constexpr std::size_t kMaxBytes = 48 * 1'024 * 1'024;
  static constexpr std::size_t kMaxStreamsOfMember = 8;

  Live(const Clock& clock, std::int32_t partitions);
  ~Live();  ///< closes the streams
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  /// Coupons are told again after a break from this long before the last event that was received:
  /// two ingresses read two topics in orders of their own.
  static constexpr std::chrono::minutes kOverlap{1};

  /// A record of `orders.events`.
  void take(const stream::Record& record);
  /// A record of `coupons.events`; those of campaigns are passed over.
  void take_coupon(const stream::Record& record);

  /// A place in the topic, as an event's id: "<partition>-<offset>".
  struct Place {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    [[nodiscard]] static std::optional<Place> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string text() const;
  };

  struct Opened {
    std::uint64_t ticket = 0;
    /// The ring does not reach back to where the caller was: nothing is sent before begin().
    bool wants_snapshot = false;
  };
  /// Adds a member's stream; events since `last` are sent at once where the ring reaches back to
  /// it. Absent when the member has too many already. `until`: what comes after ends the stream
  /// instead, for its client to come back with a fresh token.
  [[nodiscard]] std::optional<Opened> open(const MemberId& member, http::EventStreamPtr stream,
                                           const std::optional<Place>& last,
                                           std::optional<Timestamp> until = std::nullopt);
  /// Sends `snapshot` (encoded events), then what has come since open(), then what comes.
  void begin(const MemberId& member, std::uint64_t ticket, std::string_view snapshot);
  void close(const MemberId& member, std::uint64_t ticket);

  [[nodiscard]] std::size_t streams_of(const MemberId& member) const;

 private:
  struct Step {
    MemberId member;
    bool of_order = true;  ///< else of a coupon, and `place` is none of orders.events
    Place place;
    Clock::Steady at;
    std::string bytes;
  };
  struct Stream {
    std::uint64_t ticket = 0;
    http::EventStreamPtr stream;
    std::optional<Timestamp> until;
    bool held = false;
    std::vector<std::string> waiting;  ///< at most what a stream's own backlog may be
  };
  void take(const stream::Record& record, bool of_order);
  void keep(Step step);
  void resume(const MemberId& member, const Place& last, http::EventStream& stream) const;
  void forget_oldest();
  [[nodiscard]] bool covers(const MemberId& member, const Place& last) const;

  const Clock& clock_;
  mutable std::mutex lock_;
  std::deque<Step> ring_;
  std::size_t bytes_ = 0;
  std::unordered_map<MemberId, std::deque<const Step*>> of_member_;
  std::vector<std::optional<std::int64_t>> reaches_;  ///< by partition: the first offset held
  std::vector<std::int64_t> ends_;                    ///< and the last one seen
  std::unordered_map<MemberId, std::vector<Stream>> open_;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace dropline::shop
