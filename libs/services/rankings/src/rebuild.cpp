#include "dropline/rankings/rebuild.hpp"

#include "dropline/contracts/envelope.hpp"

namespace dropline::rankings {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class T>
bool count_as(Sales& sales, const Envelope& envelope, std::int32_t shard) {
  if (envelope.type != T::kType) return false;
  if (const auto fact = decode<T>(envelope)) count(sales, *fact, shard);
  return true;
}

/// The source's own number of the message; absent where the source is no service.
std::optional<worker::Said> said_of(const Envelope& envelope) {
  const auto sequence = Sequence::parse(envelope.id);
  if (!sequence || !Source::parse(envelope.source)) return std::nullopt;
  return worker::Said{sequence->seq, sequence->index};
}

std::int64_t units_of(const Sales& sales, const SaleKey& key) {
  const auto found = sales.find(key);
  return found == sales.end() ? 0 : found->second.units;
}

}  // namespace

void Recount::take(const stream::Record& record) {
  if (const auto live = live_.find(record.partition);
      !live_.empty() && (live == live_.end() || record.offset >= live->second))
    return;
  const auto envelope = parse_envelope(record);
  if (!envelope) return;
  if (const auto said = said_of(*envelope)) {
    const auto [known, first] =
        said_.try_emplace({record.partition, std::string(envelope->source)}, *said);
    if (!first && *said <= known->second) return;
    known->second = *said;
  }
  const bool counts = count_as<OrderPaid>(sales_, *envelope, record.partition) ||
                      count_as<OrderCancelled>(sales_, *envelope, record.partition) ||
                      count_as<OrderPartlyRefunded>(sales_, *envelope, record.partition) ||
                      count_as<OrderRefunded>(sales_, *envelope, record.partition);
  if (counts) ++facts_;
}

std::vector<std::string> differences(const Sales& live, const Sales& recounted, std::size_t limit) {
  std::vector<std::string> found;
  const auto compare = [&](const SaleKey& key) {
    const auto here = units_of(live, key);
    const auto there = units_of(recounted, key);
    if (here == there || found.size() >= limit) return;
    found.push_back(rfc3339(time_of(key.hour)) + ", " + std::string(key.sku.text()) + ", shard " +
                    std::to_string(key.shard) + ": " + std::to_string(here) + " counted, " +
                    std::to_string(there) + " in the log");
  };
  for (const auto& [key, sale] : live)
    compare(key);
  for (const auto& [key, sale] : recounted)
    if (!live.contains(key)) compare(key);
  return found;
}

}  // namespace dropline::rankings
