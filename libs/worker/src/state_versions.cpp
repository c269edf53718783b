#include "dropline/worker/state_versions.hpp"

#include <algorithm>

namespace dropline::worker {
namespace {

/// All that is read of a state record: the rest is its row's.
struct Versioned {
  std::int64_t version = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("version", self.version, contracts::Bounds{1, contracts::kMaxExact});
  }
};

}  // namespace

std::int64_t StateVersions::of(const Incoming& record) {
  const auto read = contracts::decode<Versioned>(record.envelope.body);
  return read ? read->version : 0;
}

bool StateVersions::met(const Incoming& record) {
  const auto key = record.record.key.value_or(std::string_view());
  const auto version = of(record);
  auto& keys = highest_[record.shard];
  const auto known = keys.find(key);
  if (known == keys.end()) {
    keys.emplace(key, version);
    return version == 0;
  }
  if (version >= known->second && version > 0) {
    known->second = version;
    return false;
  }
  return true;
}

void StateVersions::settle(Shard shard, std::string_view key, std::int64_t version) {
  highest_[shard].insert_or_assign(std::string(key), version);
}

void StateVersions::forget(std::span<const Shard> shards) {
  for (const auto shard : shards)
    highest_.erase(shard);
}

}  // namespace dropline::worker
