#pragma once

#include <string>

#include "dropline/contracts/catalogue.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/json.hpp"
#include "dropline/contracts/topics.hpp"

/// All that code says of topics and types, as JSON for scripts/lib/check_schemas.py --catalogue.
/// The schemas stand at the end of each type as JSON, not as text.
inline std::string catalogue_json() {
  using namespace dropline;
  std::string out = "{\"topics\":[";
  contracts::JsonWriter topics(out);
  for (const auto& topic : contracts::all_topics()) {
    topics.open_object();
    topics.name("name");
    topics.plain(topic.name);
    topics.name("key_rule");
    topics.text(topic.key_rule);
    topics.name("about");
    topics.text(topic.about);
    topics.name("compacted");
    topics.boolean(topic.cleanup == stream::Cleanup::compact);
    topics.name("append_time");
    topics.boolean(topic.append_time);
    topics.name("placed_by_shard");
    topics.boolean(topic.placement == contracts::Placement::by_shard);
    topics.close_object();
  }
  out += "],\"types\":[";
  contracts::JsonWriter types(out);
  for (const auto& type : contracts::all_types()) {
    types.open_object();
    types.name("name");
    types.plain(type.name);
    types.name("topic");
    types.plain(type.topic);
    types.name("signed");
    types.boolean(type.needs_signature);
    out += ",\"schema\":" + type.schema();
    types.close_object();
  }
  return out + "]}";
}
