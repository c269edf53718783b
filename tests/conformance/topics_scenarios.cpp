#include <algorithm>

#include "scene.hpp"

namespace dropline::stream::conformance {
namespace {

TEST_CASE("topics: ensuring them twice changes nothing, and counts are told in the order asked") {
  Scene scene;
  const std::vector<TopicSpec> specs = {
      {.name = Scene::unique("a"), .partitions = 3},
      {.name = Scene::unique("b"), .partitions = 16},
      {.name = Scene::unique("c"), .partitions = 1, .cleanup = Cleanup::compact}};
  REQUIRE(scene.admin().ensure_topics(specs));
  Writer writer(scene.stream());
  writer.send(specs[0].name, "k", "v", 2);
  writer.settle();
  REQUIRE(scene.admin().ensure_topics(specs));
  REQUIRE(scene.admin().ensure_topics({}));
  const std::vector<std::string> asked = {specs[1].name, Scene::unique("nowhere"), specs[0].name,
                                          specs[2].name};
  const auto counts = scene.admin().partitions(asked).value();
  REQUIRE(counts.size() == 4);
  CHECK((counts[0] == 16));
  CHECK_FALSE(counts[1].has_value());
  CHECK((counts[2] == 3));
  CHECK((counts[3] == 1));
  CHECK(scene.content(specs[0].name, 3).at(2).size() == 1);
}

TEST_CASE("topics: another number of partitions is an error that names topic and both numbers") {
  Scene scene;
  const auto topic = scene.topic(3);
  const auto fresh = Scene::unique("fresh");
  for (const std::int32_t wanted : {17, 1}) {
    const std::vector<TopicSpec> specs = {{.name = fresh, .partitions = 2},
                                          {.name = topic, .partitions = wanted}};
    const auto made = scene.admin().ensure_topics(specs);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::wrong_partition_count);
    CHECK(made.error().severity() == Severity::fatal);
    CHECK(made.error().detail.find(topic) != std::string::npos);
    CHECK(made.error().detail.find(" 3") != std::string::npos);
    CHECK(made.error().detail.find(std::to_string(wanted)) != std::string::npos);
  }
  const std::vector<std::string> asked = {topic};
  CHECK((scene.admin().partitions(asked)->front() == 3));
}

TEST_CASE("topics: truncation moves the start, keeps the rest, and never the end") {
  Scene scene;
  const auto topic = scene.topic(2);
  Writer writer(scene.stream());
  for (int i = 0; i < 10; ++i)
    writer.send(topic, "k", std::to_string(i), i % 2);
  writer.settle();
  const auto reader = scene.stream().consumer().value();
  REQUIRE(scene.admin().truncate({topic, 1}, 2));
  CHECK(extent_of(*reader, {topic, 1}).start == 2);
  REQUIRE(scene.admin().truncate({topic, 1}, 1));  // what is gone stays gone
  CHECK(extent_of(*reader, {topic, 1}).start == 2);
  CHECK(extent_of(*reader, {topic, 0}).start == 0);
  auto content = scene.content(topic, 2);
  CHECK(values(content[0]).size() == 5);
  CHECK(values(content[1]) == std::vector<std::string>{"5", "7", "9"});

  REQUIRE(scene.admin().truncate({topic, 1}, 5));
  const auto emptied = extent_of(*reader, {topic, 1});
  CHECK(emptied.start == 5);
  CHECK(emptied.end == 5);
  writer.send(topic, "k", "more", 1);
  writer.settle();
  content = scene.content(topic, 2);
  REQUIRE(content[1].size() == 1);
  CHECK(content[1][0].offset == 5);

  CHECK_FALSE(scene.admin().truncate({topic, 1}, 100));
  CHECK_FALSE(scene.admin().truncate({topic, 2}, 0));
  CHECK_FALSE(scene.admin().truncate({Scene::unique("nowhere"), 0}, 0));
  CHECK(extent_of(*reader, {topic, 1}).end == 6);
}

TEST_CASE("topics: one that was removed is gone, and begins anew when it is made again") {
  Scene scene;
  const std::vector<std::string> topics = {scene.topic(2), scene.topic(1)};
  const auto& topic = topics.front();
  {
    Writer writer(scene.stream());
    for (int i = 0; i < 10; ++i)
      writer.send(topic, "k", "old", i % 2);
    writer.send(topics[1], "k", "kept");
    writer.settle();
  }
  const std::vector<std::string> removed = {topic};
  REQUIRE(scene.admin().remove_topics(removed));
  CHECK(eventually([&] { return !scene.admin().partitions(removed)->front().has_value(); }));
  const TopicSpec again{.name = topic, .partitions = 3};
  CHECK(eventually([&] { return scene.admin().ensure_topics({&again, 1}).has_value(); }));
  for (const auto& partition : scene.content(topic, 3))
    CHECK(partition.empty());
  Writer writer(scene.stream());
  writer.send(topic, "k", "new", 2);
  writer.settle();
  CHECK(values(scene.content(topic, 3)[2]) == std::vector<std::string>{"new"});
  CHECK(values(scene.content_of_one(topics[1])) == std::vector<std::string>{"kept"});
}

TEST_CASE("topics: compaction keeps the last record of each key, where it lay and in order") {
  Scene scene;
  const auto topic = scene.make({.name = "", .partitions = 1, .cleanup = Cleanup::compact});
  Writer writer(scene.stream());
  const std::vector<std::pair<std::string, std::optional<std::string>>> written = {
      {"a", "1"}, {"b", "1"},          {"a", "2"},          {"c", "1"}, {"", "1"}, {"b", "2"},
      {"c", "2"}, {"b", std::nullopt}, {"d", std::nullopt}, {"a", "3"}, {"", "2"}, {"d", "1"}};
  for (const auto& [key, value] : written)
    writer.send(Draft{.topic = topic, .key = key, .value = value});
  for (int i = 0; i < 1200; ++i)
    writer.send(topic, "busy", std::to_string(i));
  writer.settle();

  // Of the first twelve these stay, with their offsets; b's tombstone may, its values may not.
  const std::map<std::int64_t, std::string> expected = {
      {6, "c2"}, {9, "a3"}, {10, "2"}, {11, "d1"}};
  const auto end = [&] { return extent_of(*scene.stream().consumer().value(), {topic, 0}).end; };
  std::int64_t last_busy = end() - 1;
  const bool cleaned = eventually([&] {
    scene.place().compact(topic);
    // Cleaning spares what was written last, so something is.
    writer.send(topic, "last", std::to_string(writer.tokens));
    writer.settle();
    std::map<std::int64_t, std::string> kept;
    bool busy_kept = false;
    for (const Copy& record : scene.content_of_one(topic)) {
      if (record.offset == 7 && !record.value) continue;
      if (record.offset < 12)
        kept[record.offset] = *record.key + record.value.value_or("(null)");
      else if (record.offset < last_busy)
        busy_kept = true;
      else if (record.offset == last_busy)
        CHECK((record.value == "1199"));
    }
    return kept == expected && !busy_kept;
  });
  CHECK(cleaned);
  CHECK(end() > last_busy);
  const auto content = scene.content_of_one(topic);
  CHECK(std::ranges::any_of(content, [&](const Copy& r) { return r.offset == last_busy; }));
  CHECK(std::ranges::is_sorted(content, {}, &Copy::offset));

  // A position in a gap is not lost: the next record that is there comes.
  const auto reader = scene.reader(topic, 1, 1);
  const auto first = read(*reader, 1).front();
  CHECK((first.offset == 6 || first.offset == 7));
}

TEST_CASE("topics: old records go after their retention, and the log says where it starts") {
  Scene scene;
  const auto topic = scene.make({.name = "", .partitions = 1, .retention = milliseconds(1500)});
  const auto kept_topic = scene.topic();
  Writer writer(scene.stream());
  for (int i = 0; i < 10; ++i)
    writer.send(topic, "k", std::to_string(i));
  writer.send(kept_topic, "k", "kept for ever");
  writer.settle();
  const auto consumer = scene.stream().consumer().value();
  CHECK(eventually([&] {
    scene.place().age(milliseconds(1501));
    return extent_of(*consumer, {topic, 0}).start == 10;
  }));
  CHECK(extent_of(*consumer, {topic, 0}).end == 10);
  writer.send(topic, "k", "young");
  writer.settle();
  const auto reader = scene.reader(topic, 1, 3);
  const auto told = read_error(*reader);
  REQUIRE(told);
  CHECK(told->error.code == Errc::position_lost);
  assign(*reader, {topic, 0}, Position::kEnd);
  CHECK(extent_of(*consumer, {kept_topic, 0}).start == 0);
  CHECK(scene.content_of_one(kept_topic).size() == 1);
}

}  // namespace
}  // namespace dropline::stream::conformance
