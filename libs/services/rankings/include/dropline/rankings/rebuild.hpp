#pragma once

#include <map>
#include <string>

#include "dropline/base/error.hpp"
#include "dropline/rankings/rankings.hpp"
#include "dropline/worker/shard.hpp"

/// The same sales counted again from the log: what live rows are held against.
namespace dropline::rankings {

/// Takes `orders.events` record by record, each partition from its start and in order, and counts
/// it as the worker does: copies of a source are passed over by its watermark. No database, no I/O.
class Recount final {
 public:
  /// `live`: how far the worker has read, by shard; what lies behind that is passed over. Without:
  /// all counts.
  explicit Recount(std::map<std::int32_t, std::int64_t> live) : live_(std::move(live)) {}
  Recount() = default;

  void take(const stream::Record& record);

  [[nodiscard]] const Sales& sales() const noexcept { return sales_; }
  [[nodiscard]] std::int64_t facts() const noexcept { return facts_; }

 private:
  std::map<std::int32_t, std::int64_t> live_;
  std::map<std::pair<std::int32_t, std::string>, worker::Said> said_;
  Sales sales_;
  std::int64_t facts_ = 0;
};

/// Where two counts differ, a line each ("2026-01-01 00:00, TEE-M, shard 3: 5 counted, 7 in the
/// log"), at most `limit` of them. Rows of no units are as good as none.
[[nodiscard]] std::vector<std::string> differences(const Sales& live, const Sales& recounted,
                                                   std::size_t limit);

}  // namespace dropline::rankings
