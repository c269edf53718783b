#include "dropline/base/ids.hpp"

#include <doctest/doctest.h>

#include <set>
#include <type_traits>
#include <unordered_set>

#include "dropline/base/random.hpp"

using namespace dropline;

TEST_CASE("a UUID reads either case and writes lower case") {
  const auto id = Uuid::parse("01890A5D-AC96-774B-BCCE-B302099A8057");
  REQUIRE(id);
  CHECK(id->text() == "01890a5d-ac96-774b-bcce-b302099a8057");
  CHECK(id->version() == 7);
  CHECK(id->unix_ms() == 0x01890A5DAC96ULL);
  CHECK(Uuid::parse(id->text()) == id);
}

TEST_CASE("only the 36-character form is a UUID") {
  for (const char* text :
       {"", "0", "01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "01890a5d-ac96-774b-bcce-b302099a805", "01890a5d-ac96-774b-bcce-b302099a80577",
        "01890a5d-ac96-774b-bcce-b302099a805g", "01890a5d_ac96-774b-bcce-b302099a8057",
        "01890a5-dac96-774b-bcce-b302099a8057", " 1890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a-057", "0x890a5d-ac96-774b-bcce-b302099a8057"}) {
    CAPTURE(text);
    CHECK_FALSE(Uuid::parse(text));
  }
  std::string with_zero = "01890a5d-ac96-774b-bcce-b302099a8057";
  with_zero[3] = '\0';
  CHECK_FALSE(Uuid::parse(with_zero));
}

TEST_CASE("UUIDs order by their bytes, as their texts do") {
  SeededRandom random(7);
  for (int i = 0; i < 1000; ++i) {
    const auto a = random.uuid4();
    const auto b = random.uuid4();
    CHECK((a < b) == (a.text() < b.text()));
  }
}

TEST_CASE("ids of different kinds do not mix") {
  static_assert(!std::is_convertible_v<MemberId, OrderId>);
  static_assert(!std::is_constructible_v<MemberId, OrderId>);
  static_assert(!std::is_convertible_v<Uuid, MemberId>);
  const auto member = MemberId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  REQUIRE(member);
  CHECK(member->text() == "01890a5d-ac96-774b-bcce-b302099a8057");
  CHECK_FALSE(member->nil());
  CHECK(MemberId().nil());
  CHECK_FALSE(MemberId::parse("nobody"));
}

TEST_CASE("ids serve as keys of hashed and ordered sets") {
  SeededRandom random(1);
  std::set<OrderId> ordered;
  std::unordered_set<OrderId> hashed;
  for (int i = 0; i < 1000; ++i) {
    const OrderId id(random.uuid4());
    ordered.insert(id);
    hashed.insert(id);
    hashed.insert(id);
  }
  CHECK(ordered.size() == 1000);
  CHECK(hashed.size() == 1000);
}
