#include "dropline/contracts/topics.hpp"

#include <doctest/doctest.h>

#include <set>

#include "dropline/contracts/catalogue.hpp"
#include "dropline/contracts/errors.hpp"
#include "dropline/stream/partitioner.hpp"

using namespace dropline;
using namespace dropline::contracts;

TEST_CASE("every type travels on a topic of ours, and every topic carries a type") {
  std::set<std::string_view> used;
  std::set<std::string_view> names;
  for (const auto& type : all_types()) {
    CAPTURE(type.name);
    CHECK(find_topic(type.topic) != nullptr);
    CHECK(names.insert(type.name).second);
    CHECK(find_type(type.name) == &type);
    used.insert(type.topic);
  }
  for (const auto& topic : all_topics())
    CHECK(used.contains(topic.name));
  CHECK(find_topic("stock.rumours") == nullptr);
  CHECK(find_type("StockRumoured") == nullptr);
}

TEST_CASE("commands other than PlaceOrder are signed, events and state are not") {
  for (const auto& type : all_types()) {
    CAPTURE(type.name);
    CHECK(type.needs_signature == (type.topic.ends_with(".commands") && type.name != "PlaceOrder"));
  }
}

TEST_CASE("the specs name every topic and its dead letters, alike in partitions") {
  const auto specs = topic_specs(12, "shop.");
  CHECK(specs.size() == 2 * all_topics().size());
  std::set<std::string> names;
  for (const auto& spec : specs) {
    CHECK(spec.partitions == 12);
    CHECK(spec.name.starts_with("shop."));
    CHECK(spec.append_time);
    CHECK_FALSE(spec.retention);
    CHECK(names.insert(spec.name).second);
    const bool state = spec.name == "shop.stock.levels" || spec.name == "shop.catalog.products" ||
                       spec.name == "shop.rankings.snapshots";
    CHECK((spec.cleanup == stream::Cleanup::compact) == state);
  }
  CHECK(names.contains("shop.orders.commands"));
  CHECK(names.contains("shop.orders.commands.dead"));
}

TEST_CASE("prefixes go on and come off") {
  CHECK(topic_name("", "orders.commands") == "orders.commands");
  CHECK(topic_name("a.", "orders.commands") == "a.orders.commands");
  CHECK(dead_topic_name("a.", "orders.commands") == "a.orders.commands.dead");
  CHECK(logical_name("a.", "a.orders.commands") == "orders.commands");
  CHECK(logical_name("", "orders.commands") == "orders.commands");
  CHECK(logical_name("b.", "a.orders.commands").empty());
}

TEST_CASE("a record in another partition than its key's is found, but for state topics") {
  const auto& orders = *find_topic(topic::kOrdersCommands);
  const auto right = stream::partition_of("key", 16);
  CHECK(check_partition(orders, "key", right, 16));
  CHECK(check_partition(orders, "key", (right + 1) % 16, 16).error().code == Errc::wrong_key);
  CHECK(check_partition(*find_topic(topic::kStockLevels), "key", (right + 1) % 16, 16));
}
