#include "dropline/contracts/topics.hpp"

#include <algorithm>
#include <array>

#include "dropline/contracts/errors.hpp"
#include "dropline/stream/partitioner.hpp"

namespace dropline::contracts {
namespace {

using stream::Cleanup;

constexpr std::string_view kDead = ".dead";

constexpr std::array kTopics{
    Topic{.name = topic::kOrdersCommands,
          .key_rule = "the drop; of ordinary orders the member; of ordinary offers the product",
          .about = "orders and what changes supply: the log that decides who gets what"},
    Topic{.name = topic::kStockEvents,
          .key_rule = "of orders the member; of drops the drop; of ordinary offers the product",
          .about = "what stock decided"},
    Topic{.name = topic::kStockLevels,
          .key_rule = "of an offer <drop or ->/<sku>; of a drop the drop; of a heartbeat "
                      "<service>/<shard>",
          .cleanup = Cleanup::compact,
          .placement = Placement::by_shard,
          .about = "levels and terms in force"},
    Topic{.name = topic::kCatalogCommands,
          .key_rule = "the product or the drop",
          .about = "what an operator wants sold"},
    Topic{.name = topic::kCatalogEvents,
          .key_rule = "the product or the drop",
          .about = "answers to catalog commands"},
    Topic{.name = topic::kCatalogProducts,
          .key_rule = "the product or the drop",
          .cleanup = Cleanup::compact,
          .placement = Placement::by_shard,
          .about = "products and proposed drops"},
    Topic{.name = topic::kPaymentsCommands, .key_rule = "the member", .about = "what moves money"},
    Topic{.name = topic::kPaymentsEvents,
          .key_rule = "the member",
          .about = "what happened to money"},
    Topic{.name = topic::kOrderingCommands,
          .key_rule = "the member",
          .about = "cancellations, refunds, and extended deadlines (<drop or ->/<copy>)"},
    Topic{.name = topic::kOrdersEvents,
          .key_rule = "the member",
          .about = "the public life of orders"},
    Topic{.name = topic::kCouponsCommands,
          .key_rule = "the campaign: the first 13 characters of its id, or of a coupon's",
          .about = "who wants a coupon, first come first served, and what becomes of it"},
    Topic{.name = topic::kCouponsEvents,
          .key_rule = "of coupons the member; of campaigns as on coupons.commands",
          .about = "who has which coupon"},
    Topic{.name = topic::kDeliveriesCommands,
          .key_rule = "the member",
          .about = "what sends goods away, or keeps them here"},
    Topic{.name = topic::kDeliveriesEvents,
          .key_rule = "the member",
          .about = "what becomes of a paid order's goods"},
    Topic{.name = topic::kPointsEvents,
          .key_rule = "the member",
          .about = "points given and taken back"},
    Topic{.name = topic::kRankingsSnapshots,
          .key_rule = "the window",
          .cleanup = Cleanup::compact,
          .placement = Placement::by_shard,
          .about = "what sells best"},
};

}  // namespace

std::span<const Topic> all_topics() noexcept {
  return kTopics;
}

const Topic* find_topic(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kTopics, name, &Topic::name);
  return found == kTopics.end() ? nullptr : found;
}

std::string topic_name(std::string_view prefix, std::string_view logical) {
  return std::string(prefix).append(logical);
}

std::string dead_topic_name(std::string_view prefix, std::string_view logical) {
  return topic_name(prefix, logical).append(kDead);
}

std::string_view logical_name(std::string_view prefix, std::string_view name) noexcept {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view();
}

std::vector<stream::TopicSpec> topic_specs(std::int32_t partitions, std::string_view prefix) {
  std::vector<stream::TopicSpec> specs;
  specs.reserve(2 * kTopics.size());
  for (const auto& topic : kTopics) {
    stream::TopicSpec spec;
    spec.name = topic_name(prefix, topic.name);
    spec.partitions = partitions;
    spec.cleanup = topic.cleanup;
    spec.append_time = topic.append_time;
    specs.push_back(spec);
    spec.name = dead_topic_name(prefix, topic.name);
    spec.cleanup = Cleanup::retain;
    spec.append_time = true;
    specs.push_back(std::move(spec));
  }
  return specs;
}

Status check_partition(const Topic& topic, std::string_view key, std::int32_t partition,
                       std::int32_t partitions) {
  if (topic.placement == Placement::by_shard) return {};
  const auto expected = stream::partition_of(key, partitions);
  if (partition == expected) return {};
  return error(Errc::wrong_key, "the key '" + std::string(key) + "' belongs to partition " +
                                    std::to_string(expected) + ", the record is in " +
                                    std::to_string(partition));
}

}  // namespace dropline::contracts
