#include "dropline/shop/csv.hpp"

#include <doctest/doctest.h>

using dropline::shop::CsvWriter;

namespace {
std::string row(std::initializer_list<std::string_view> cells) {
  std::string out;
  CsvWriter csv(out);
  for (const auto cell : cells)
    csv.cell(cell);
  csv.end_row();
  return out;
}
}  // namespace

TEST_CASE("cells are written as RFC 4180 has them") {
  CHECK(row({"a", "", "b c"}) == "a,,b c\r\n");
  CHECK(row({"a,b", "say \"so\"", "two\nlines", "cr\rhere"}) ==
        "\"a,b\",\"say \"\"so\"\"\",\"two\nlines\",\"cr\rhere\"\r\n");
  CHECK(row({"셔츠"}) == "셔츠\r\n");
}

TEST_CASE("what a spreadsheet would take for a formula is text") {
  CHECK(row({"=1+1"}) == "\"'=1+1\"\r\n");
  CHECK(row({"+82 10", "-3", "@home", "\tx", "\rx"}) ==
        "\"'+82 10\",\"'-3\",\"'@home\",\"'\tx\",\"'\rx\"\r\n");
  CHECK(row({"=HYPERLINK(\"x\",\"y\")"}) == "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n");
  CHECK(row({"a=b", "1-2"}) == "a=b,1-2\r\n");
}

TEST_CASE("numbers stay numbers, below zero too, and rows follow each other") {
  std::string out;
  CsvWriter csv(out);
  csv.number(-5).cell("x").end_row();
  csv.number(7).end_row();
  CHECK(out == "-5,x\r\n7\r\n");
}
