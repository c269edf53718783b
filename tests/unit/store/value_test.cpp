#include <doctest/doctest.h>

#include <map>

#include "dropline/store/table.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

constexpr Column kColumns[] = {
    {"id", Type::int64},       {"name", Type::text},  {"member", Type::uuid},
    {"active", Type::boolean}, {"blob", Type::bytes}, {"doc", Type::json},
};

Table table_of(const Place& place) {
  return {place.service(), "things", kColumns, 1};
}

std::unique_ptr<Place> place_with_things() {
  auto place = make_place();
  place->make(
      "CREATE TABLE {things} (id {int64} NOT NULL PRIMARY KEY, name {text}, member {uuid},"
      " active {boolean}, blob {bytes}, doc {json}) {strict}");
  return place;
}

TEST_CASE("every value comes back as it was written") {
  const auto place = place_with_things();
  auto session = place->open();
  const Table table = table_of(*place);
  std::string all_bytes;
  for (int i = 0; i < 256; ++i)
    all_bytes += static_cast<char>(i);
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "NULL",
                                          "null",
                                          "it's \"quoted\"",
                                          "back\\slash\\\\",
                                          "{curly,brackets}",
                                          "[1, 2]",
                                          "한정판 티켓 🎟",
                                          "line\nline\r\n\ttab",
                                          "\x01\x1f\x7f",
                                          ":name ::text $1 ?1 -- no /* no */",
                                          std::string(1'000'000, 'x'),
                                          "\xEF\xBF\xBF\xF4\x8F\xBF\xBF",
                                          "trailing space ",
                                          "\\x00",
                                          "%s_"};
  const std::int64_t numbers[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
  const Uuid uuids[] = {Uuid{}, *Uuid::parse("ffffffff-ffff-ffff-ffff-ffffffffffff"),
                        *Uuid::parse("0190A0B0-c0d0-7e00-8f10-203040506070")};
  RowBuffer rows(table);
  std::size_t row = 0;
  for (const std::int64_t number : numbers) {
    rows.add(number).add(texts[row]).add(uuids[row % 3]).add(row % 2 == 0);
    rows.add(row % 2 == 0 ? all_bytes : std::string())
        .add(R"({"a": [1, "ü\"\\\u0041"],  "b":null})");
    ++row;
  }
  for (; row < texts.size(); ++row) {
    rows.add(row + 100).add(texts[row]).null().null().null().null();
  }
  rows.add(1000).null().null().null().null().null();
  REQUIRE_DONE(insert(session, table, rows));

  RowBuffer keys = RowBuffer::keys(table);
  for (std::size_t i = 0; i < rows.size(); ++i)
    keys.add(rows.cells().int64(i, 0));
  const auto loaded = load(session, table, keys);
  REQUIRE_DONE(loaded);
  REQUIRE(loaded->size() == rows.size());
  std::map<std::int64_t, std::size_t> written;
  for (std::size_t i = 0; i < rows.size(); ++i)
    written[rows.cells().int64(i, 0)] = i;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t same = written.at((*loaded)[i].int64(0));
    for (std::size_t column = 0; column < rows.cells().columns(); ++column) {
      CAPTURE(same);
      CAPTURE(column);
      CHECK(loaded->cells().is_null(i, column) == rows.cells().is_null(same, column));
      CHECK(loaded->cells().compare(i, column, rows.cells(), same, column) ==
            std::strong_ordering::equal);
    }
  }
  CHECK(loaded->front().id<MemberId>(2).uuid() == uuids[0]);
}

TEST_CASE("what no column can hold is refused before anything is sent, and named") {
  const auto place = place_with_things();
  auto session = place->open();
  const Table table = table_of(*place);
  const std::string bad[] = {std::string("a\0b", 3),
                             std::string("\0", 1),
                             "\xFF",
                             "12345678\xC3",
                             "\xC0\x80",
                             "\xED\xA0\x80",
                             "\xE0\x80\x80",
                             "\xF5\x80\x80\x80",
                             "\xF0\x80\x80\x80",
                             std::string("12345678\0", 9),
                             "\x80"};
  for (const std::string& text : bad) {
    RowBuffer rows(table);
    rows.add(1).add("fine").null().null().null().null();
    rows.add(2).add(text).null().null().null().null();
    const auto done = insert(session, table, rows);
    CHECK(errc_of(done) == Errc::bad_value);
    CHECK(done.error().severity() == Severity::permanent);
    CHECK(done.error().detail.find("name of row 2") != std::string::npos);
    CHECK(errc_of(change(session, {"say", place->service(), "DELETE FROM {things} WHERE name = :n"},
                         Params().add("n", text))) == Errc::bad_value);
  }
  RowBuffer no_key(table);
  no_key.null().add("x").null().null().null().null();
  CHECK(errc_of(insert(session, table, no_key)) == Errc::bad_value);
  CHECK(place->count(session, "things") == 0);
  CHECK_FALSE(session.broken());
}

TEST_CASE("a buffer may be cleared and filled again") {
  const auto place = place_with_things();
  auto session = place->open();
  const Table table = table_of(*place);
  RowBuffer rows(table);
  for (int round = 0; round < 3; ++round) {
    rows.clear();
    rows.add(round).add("x").null().add(true).null().null();
    REQUIRE_DONE(insert(session, table, rows));
  }
  CHECK(place->count(session, "things") == 3);
}

TEST_CASE("optional values and times find their columns") {
  const auto place = place_with_things();
  auto session = place->open();
  const Table table = table_of(*place);
  const Timestamp at = from_unix_us(1'767'225'600'123'456);
  RowBuffer rows(table);
  rows.add(at).add(std::optional<std::string>()).add(std::optional<Uuid>(Uuid{}));
  rows.add(std::optional<bool>(false)).null().null();
  REQUIRE_DONE(insert(session, table, rows));
  RowBuffer keys = RowBuffer::keys(table);
  keys.add(at);
  const auto loaded = load(session, table, keys);
  REQUIRE_DONE(loaded);
  REQUIRE(loaded->size() == 1);
  CHECK(loaded->front().time(0) == at);
  CHECK(loaded->front().is_null(1));
  CHECK(loaded->front().uuid(2).nil());
  CHECK_FALSE(loaded->front().boolean(3));
}

}  // namespace
}  // namespace dropline::store
