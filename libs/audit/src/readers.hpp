#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"
#include "dropline/worker/service.hpp"
#include "dropline/worker/shard_ledger.hpp"

namespace dropline::audit {

/// The services whose tables are audited, and what each reads.
[[nodiscard]] const std::vector<worker::ServiceSpec>& services();

/// Their rows of the consumer loop, by (service, shard).
using Shards = std::map<std::pair<std::string, std::int32_t>, worker::ShardRow>;
[[nodiscard]] Result<Shards> read_shards(store::Session& session);

/// What is committed and perhaps not in the log, of all services: rows, and the newest by service.
struct Backlog {
  std::int64_t rows = 0;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> oldest;  ///< seq by shard
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> newest;
};
[[nodiscard]] Result<Backlog> read_backlog(store::Session& session);

}  // namespace dropline::audit
