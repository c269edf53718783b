#include "dropline/shop/receipt.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"

using namespace dropline;
using namespace dropline::shop;

namespace {

struct Office {
  SeededRandom random{11};
  crypto::SecretKey key = crypto::SecretKey::generate(random);

  std::vector<Arrival> arrivals(std::size_t count) {
    std::vector<Arrival> out(count);
    for (std::size_t i = 0; i < count; ++i) {
      out[i].order = OrderId(random.uuid4());
      if (i % 2 == 0) out[i].drop = DropId(random.uuid4());
      out[i].partition = static_cast<std::int32_t>(i % 16);
      if (i % 5 != 4) out[i].offset = static_cast<std::int64_t>(1'000'000'000'000 + i);
      random.fill(out[i].command_hash);
      out[i].time = from_unix_ms(1'767'225'600'123);
    }
    return out;
  }
  std::string write(const ReceiptBatch& batch, std::size_t index) {
    std::string out;
    contracts::JsonWriter writer(out);
    batch.write(writer, index);
    return out;
  }
};

/// The JSON with one character within a field's value changed for another of its alphabet.
std::string tampered(std::string json, const std::string& field) {
  const auto name = json.find('"' + field + "\":");
  REQUIRE(name != std::string::npos);
  auto at = name + field.size() + 3;
  while (json[at] == '"' || json[at] == '[')
    ++at;
  json[at] = json[at] == '1' ? '2' : '1';
  return json;
}

}  // namespace

TEST_CASE("every receipt of a batch is proved by itself, whatever the batch's size") {
  Office office;
  for (const std::size_t size : {1U, 2U, 3U, 7U, 8U, 33U}) {
    const auto arrivals = office.arrivals(size);
    const ReceiptBatch batch(arrivals, office.key, "1");
    for (std::size_t i = 0; i < size; ++i) {
      CAPTURE(size);
      CAPTURE(i);
      const auto read = verify_receipt(office.write(batch, i), office.key.public_key());
      REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().text()));
      CHECK(read->bytes() == arrivals[i].bytes());
      CHECK(read->offset == arrivals[i].offset);
      CHECK(read->drop == arrivals[i].drop);
    }
  }
}

TEST_CASE("a receipt with any field changed proves nothing") {
  Office office;
  const ReceiptBatch batch(office.arrivals(5), office.key, "1");
  const auto good = office.write(batch, 2);
  REQUIRE(verify_receipt(good, office.key.public_key()).has_value());
  for (const char* field : {"order_id", "drop", "partition", "offset", "command_hash", "time",
                            "leaf", "leaves", "path", "root", "signature"}) {
    CAPTURE(field);
    const auto bad = tampered(good, field);
    REQUIRE(bad != good);
    CHECK_FALSE(verify_receipt(bad, office.key.public_key()).has_value());
  }
}

TEST_CASE("a receipt without offset or drop cannot be given one") {
  Office office;
  auto arrivals = office.arrivals(1);
  arrivals[0].offset.reset();
  arrivals[0].drop.reset();
  const ReceiptBatch batch(arrivals, office.key, "1");
  const auto good = office.write(batch, 0);
  REQUIRE(verify_receipt(good, office.key.public_key()).has_value());
  for (const std::string more :
       {R"({"offset":5,)", R"({"drop":"0190a0b0-0000-7000-8000-00000000000d",)"})
    CHECK_FALSE(verify_receipt(more + good.substr(1), office.key.public_key()).has_value());
}

TEST_CASE("another shop's key, and what is no receipt, are refused") {
  Office office;
  const ReceiptBatch batch(office.arrivals(3), office.key, "1");
  const auto good = office.write(batch, 1);
  CHECK_FALSE(
      verify_receipt(good, crypto::SecretKey::generate(office.random).public_key()).has_value());
  for (const char* text : {"", "{}", "[]", "null", "{\"order_id\":1}"})
    CHECK_FALSE(verify_receipt(text, office.key.public_key()).has_value());
}

TEST_CASE("arrivals are signed over fixed bytes") {
  Arrival arrival;
  arrival.order = OrderId::parse("00112233-4455-8677-8899-aabbccddeeff").value();
  arrival.partition = 258;
  arrival.time = from_unix_ms(1);
  const auto bytes = arrival.bytes();
  REQUIRE(bytes.size() == 19 + 16 + 1 + 4 + 8 + 32 + 8);
  CHECK(bytes.substr(0, 19) == std::string("dropline receipt 1\0", 19));
  CHECK(bytes.substr(19, 4) == std::string("\0\x11\x22\x33", 4));
  CHECK(bytes[35] == '\0');
  CHECK(bytes.substr(36, 4) == std::string("\0\0\1\2", 4));
  CHECK(bytes.substr(40, 8) == std::string(8, '\xff'));
  CHECK(bytes.substr(80) == std::string("\0\0\0\0\0\0\0\1", 8));
}
