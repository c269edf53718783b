#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stream/admin.hpp"

namespace dropline::contracts {

/// Topics by their logical name: what code, schemas and this page use. A log's own names carry the
/// prefix from config in front.
namespace topic {
inline constexpr std::string_view kOrdersCommands = "orders.commands";
inline constexpr std::string_view kStockEvents = "stock.events";
inline constexpr std::string_view kStockLevels = "stock.levels";
inline constexpr std::string_view kCatalogCommands = "catalog.commands";
inline constexpr std::string_view kCatalogEvents = "catalog.events";
inline constexpr std::string_view kCatalogProducts = "catalog.products";
inline constexpr std::string_view kPaymentsCommands = "payments.commands";
inline constexpr std::string_view kPaymentsEvents = "payments.events";
inline constexpr std::string_view kOrderingCommands = "ordering.commands";
inline constexpr std::string_view kOrdersEvents = "orders.events";
inline constexpr std::string_view kCouponsCommands = "coupons.commands";
inline constexpr std::string_view kCouponsEvents = "coupons.events";
inline constexpr std::string_view kDeliveriesCommands = "deliveries.commands";
inline constexpr std::string_view kDeliveriesEvents = "deliveries.events";
inline constexpr std::string_view kPointsEvents = "points.events";
inline constexpr std::string_view kRankingsSnapshots = "rankings.snapshots";
}  // namespace topic

/// Which partition a record belongs to.
enum class Placement {
  by_key,    ///< the one that murmur2 gives for its key: checked on reading
  by_shard,  ///< that of the shard that wrote it, so that an owner can follow its own state
};

struct Topic {
  std::string_view name;
  std::string_view key_rule;  ///< in words; each message's partition_key() is the rule itself
  stream::Cleanup cleanup = stream::Cleanup::retain;
  /// The log's own time on every record: what orders are judged by, so no producer can choose it.
  bool append_time = true;
  Placement placement = Placement::by_key;
  std::string_view about;
};

/// Every topic, without the dead letter ones.
[[nodiscard]] std::span<const Topic> all_topics() noexcept;
/// nullptr where there is none of that logical name.
[[nodiscard]] const Topic* find_topic(std::string_view name) noexcept;

/// The log's name of a topic.
[[nodiscard]] std::string topic_name(std::string_view prefix, std::string_view logical);
/// Where records that cannot be handled go.
[[nodiscard]] std::string dead_topic_name(std::string_view prefix, std::string_view logical);
/// The logical name of a log's topic; empty where it does not begin with the prefix.
[[nodiscard]] std::string_view logical_name(std::string_view prefix,
                                            std::string_view name) noexcept;

/// What Admin::ensure_topics() is given: every topic and its dead letter topic, all with the same
/// number of partitions, kept for ever (an operator may set a retention on the broker, never on
/// `orders.commands`: it decides who won).
[[nodiscard]] std::vector<stream::TopicSpec> topic_specs(std::int32_t partitions,
                                                         std::string_view prefix);

/// Does the record stand where its key belongs? Errc::wrong_key, with both partitions told, where a
/// producer chose another; always well for Placement::by_shard.
[[nodiscard]] Status check_partition(const Topic& topic, std::string_view key,
                                     std::int32_t partition, std::int32_t partitions);

}  // namespace dropline::contracts
