#include "dropline/worker/outbox.hpp"

#include <doctest/doctest.h>

#include "dropline/worker/errors.hpp"

using namespace dropline;
using namespace dropline::worker;

namespace {

std::string two_records() {
  std::string bytes = new_frames();
  const stream::Header headers[] = {{"ce_id", "1-0"}, {"empty", ""}, {"null", std::nullopt}};
  frame(bytes, {"stock.events", std::string_view("k\0y", 3), std::string_view("v\0", 2), headers,
                std::nullopt});
  frame(bytes, {"stock.levels", "", std::nullopt, {}, 7});
  return bytes;
}

}  // namespace

TEST_CASE("framed records read back whole, with nulls, empties and zero bytes") {
  const auto frames = Frames::open(two_records());
  REQUIRE(frames.has_value());
  REQUIRE(frames->drafts().size() == 2);
  const auto& first = frames->drafts()[0];
  CHECK(first.topic == "stock.events");
  CHECK(first.key == std::string_view("k\0y", 3));
  CHECK(first.value == std::string_view("v\0", 2));
  CHECK_FALSE(first.partition.has_value());
  REQUIRE(first.headers.size() == 3);
  CHECK(first.headers[0] == stream::Header{"ce_id", "1-0"});
  CHECK(first.headers[1].value == "");
  CHECK_FALSE(first.headers[2].value.has_value());
  const auto& second = frames->drafts()[1];
  CHECK_FALSE(second.value.has_value());
  CHECK(second.partition == 7);
  CHECK(second.headers.empty());
}

TEST_CASE("frames keep their views when moved") {
  auto opened = Frames::open(two_records());
  REQUIRE(opened.has_value());
  const Frames moved = std::move(*opened);
  CHECK(moved.drafts()[0].headers[0].name == "ce_id");
}

TEST_CASE("an outbox row cut short anywhere between records is an error") {
  const auto whole = two_records();
  std::size_t readable = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto frames = Frames::open(whole.substr(0, length));
    if (frames) {
      ++readable;  // Cut exactly between records: only the row's own length could tell.
    } else {
      CHECK(frames.error().code == Errc::bad_frame);
    }
  }
  CHECK(readable == 2);
  CHECK_FALSE(Frames::open("DLO2rest").has_value());
  // A partition that no number can name.
  CHECK_FALSE(
      Frames::open(std::string("DLO1\xff\xff\xff\xff", 8) + std::string(12, '\0')).has_value());
}
