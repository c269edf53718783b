#include "dropline/base/sku.hpp"

#include <doctest/doctest.h>

#include <unordered_set>

using dropline::Sku;

TEST_CASE("a SKU is 1 to 64 of A-Z a-z 0-9 . _ -") {
  for (const std::string& text :
       {std::string("A"), std::string("HOODIE-BLACK.m_2"), std::string("-"), std::string(64, 'x')})
    CHECK(Sku::parse(text)->text() == text);
}

TEST_CASE("nothing else is a SKU") {
  for (const std::string& text :
       {std::string(), std::string(65, 'x'), std::string("A B"), std::string("A/B"),
        std::string("A\n"), std::string("후드"), std::string("A\0B", 3), std::string("A'--"),
        std::string("A%"), std::string("=A1")}) {
    CAPTURE(text);
    CHECK_FALSE(Sku::parse(text));
  }
}

TEST_CASE("SKUs tell cases apart, order by bytes and hash") {
  CHECK(*Sku::parse("a") != *Sku::parse("A"));
  CHECK(*Sku::parse("A") < *Sku::parse("a"));
  CHECK(*Sku::parse("A") < *Sku::parse("AA"));
  CHECK(std::unordered_set<Sku>{*Sku::parse("A"), *Sku::parse("A")}.size() == 1);
}
