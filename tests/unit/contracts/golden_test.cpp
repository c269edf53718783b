#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/catalogue.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;
namespace fs = std::filesystem;

namespace {

const fs::path kTopics = fs::path(DROPLINE_SOURCE_DIR) / "schemas" / "topics";

struct Sample {
  fs::path path;
  const MessageType* type = nullptr;
  std::string text;
  std::string key;
  std::map<std::string, std::string> headers;
  std::string value;  ///< without white space, in the file's order
};

/// The same JSON without white space.
void write_compact(JsonWriter& out, JsonValue value) {
  JsonValue child =
      value.is(JsonKind::object) || value.is(JsonKind::array) ? value.first_child() : JsonValue();
  switch (value.kind()) {
    case JsonKind::null:
      out.null();
      break;
    case JsonKind::boolean:
      out.boolean(value.text() == "true");
      break;
    case JsonKind::number:
      out.number(std::stoll(std::string(value.text())));
      break;
    case JsonKind::string:
      out.text(value.text());
      break;
    case JsonKind::array:
      out.open_array();
      for (std::size_t i = 0; i < value.size(); ++i, child = child.sibling())
        write_compact(out, child);
      out.close_array();
      break;
    case JsonKind::object:
      out.open_object();
      for (std::size_t i = 0; i < value.size(); ++i, child = child.sibling().sibling()) {
        out.name(child.text());
        write_compact(out, child.sibling());
      }
      out.close_object();
  }
}

Sample read_sample(const fs::path& path) {
  Sample sample;
  sample.path = path;
  sample.type = find_type(path.parent_path().filename().string());
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  sample.text = text.str();
  JsonDocument document;
  const auto status = document.parse(sample.text);
  REQUIRE_MESSAGE(status, path.string());
  JsonObject object(document.root());
  sample.key = object.find("key")->text();
  const auto headers = *object.find("headers");
  JsonValue name = headers.first_child();
  for (std::size_t i = 0; i < headers.size(); ++i, name = name.sibling().sibling())
    sample.headers.emplace(name.text(), name.sibling().text());
  JsonWriter writer(sample.value);
  write_compact(writer, *object.find("value"));
  return sample;
}

std::vector<Sample> samples_in(const fs::path& folder) {
  std::vector<Sample> samples;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".json") samples.push_back(read_sample(entry.path()));
  return samples;
}

}  // namespace

TEST_CASE("every golden sample decodes, and is written again byte for byte") {
  std::map<std::string_view, int> seen;
  for (const auto& sample : samples_in(kTopics / "samples")) {
    CAPTURE(sample.path.string());
    REQUIRE(sample.type != nullptr);
    const auto again = sample.type->normalize(sample.value);
    REQUIRE(again);
    CHECK(*again == sample.value);
    ++seen[sample.type->name];
  }
  for (const auto& type : all_types()) {
    CAPTURE(type.name);
    CHECK(seen[type.name] >= 2);
  }
}

TEST_CASE("every sample that was ever released still decodes") {
  const auto samples = samples_in(kTopics / "released" / "samples");
  CHECK(samples.size() >= 2 * 59);
  for (const auto& sample : samples) {
    CAPTURE(sample.path.string());
    REQUIRE(sample.type != nullptr);
    const auto again = sample.type->normalize(sample.value);
    CHECK(again);
  }
}

TEST_CASE(
    "a sample's headers make an envelope, its key is the one its content asks for, and its "
    "signature is good") {
  CommandKeys keys;
  REQUIRE(keys.add("samples", "samples only: not a secret"));
  for (const auto& sample : samples_in(kTopics / "samples")) {
    CAPTURE(sample.path.string());
    std::vector<stream::Header> headers;
    for (const auto& [name, value] : sample.headers)
      headers.push_back({name, value});
    stream::Record record;
    record.topic = sample.type->topic;
    record.key = sample.key;
    record.value = sample.value;
    record.headers = headers;
    const auto envelope = parse_envelope(record);
    REQUIRE(envelope);
    CHECK(envelope->type == sample.type->name);
    CHECK(sample.type->key_of(sample.value).value() == sample.key);
    if (!sample.type->needs_signature) continue;
    const auto status = keys.verify(*envelope, sample.key);
    CHECK(status);
  }
}

TEST_CASE("the sample orders have the ids and hashes that they should") {
  for (const char* name : {"full.json", "least.json"}) {
    const auto sample = read_sample(kTopics / "samples" / "PlaceOrder" / name);
    const auto order = decode<PlaceOrder>(sample.value);
    REQUIRE(order);
    const auto status = verify_place_order(*order);
    CHECK(status);
  }
}
