#include "dropline/worker/shard.hpp"

#include <doctest/doctest.h>

#include "dropline/worker/errors.hpp"

using namespace dropline;
using namespace dropline::worker;

TEST_CASE("positions and watermarks read back as they were written") {
  const Positions positions{{"orders.commands", {12, 0x9f86d081884c7d65}},
                            {"stock.events", {9'000'000'000'000, 1}}};
  const Watermarks watermarks{{"stock.events stock/3", {123, 4}},
                              {"stock.events stock/11", {1, 0}}};
  CHECK(format_positions(positions) ==
        "orders.commands 12 9f86d081884c7d65\nstock.events 9000000000000 0000000000000001\n");
  CHECK(parse_positions(format_positions(positions)).value() == positions);
  CHECK(parse_watermarks(format_watermarks(watermarks)).value() == watermarks);
  CHECK(parse_positions("").value().empty());
  CHECK(parse_watermarks("").value().empty());
}

TEST_CASE("a damaged shard row is an error that shows the line") {
  for (const char* text :
       {"orders.commands", "orders.commands x 00", "orders.commands 1 zz", " 1 00",
        "orders.commands -1 00", "orders.commands 1 00 more", "orders.commands 1\n"}) {
    CAPTURE(text);
    const auto positions = parse_positions(text);
    REQUIRE_FALSE(positions.has_value());
    CHECK(positions.error().code == Errc::bad_shard_row);
  }
  for (const char* text : {"stock.events stock/3", "x 1", "x 1-", "x -1-y", "x 1-2-3"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_watermarks(text).has_value());
  }
  CHECK(parse_positions("a 1 00\nbroken\n").error().detail.find("'broken'") != std::string::npos);
}

TEST_CASE("what a source said is ordered by batch, then by place within the batch") {
  CHECK(Said{1, 5} < Said{2, 0});
  CHECK(Said{2, 0} < Said{2, 1});
  CHECK(Said{2, 1} <= Said{2, 1});
}
