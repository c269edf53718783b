#include "dropline/contracts/json.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"
#include "dropline/contracts/errors.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;

namespace {

std::error_code failure(std::string_view text) {
  JsonDocument document;
  const auto status = document.parse(text);
  return status ? std::error_code() : status.error().code;
}

std::string nested(int depth, std::string_view open, std::string_view close) {
  std::string text;
  for (int i = 0; i < depth; ++i)
    text += open;
  for (int i = 0; i < depth; ++i)
    text += close;
  return text;
}

}  // namespace

TEST_CASE("values of every kind are read where they stand") {
  JsonDocument document;
  REQUIRE(document.parse(R"( {"n":null,"t":true,"f":false,"i":-12,"s":"a\"\u00e9\ud83d\ude00",
                              "a":[1,[],{}],"o":{"x":{"y":1}},"":2} )"));
  JsonObject object(document.root());
  CHECK(document.root().size() == 8);
  CHECK(object.find("n")->is(JsonKind::null));
  CHECK(object.find("t")->text() == "true");
  CHECK(object.find("f")->text() == "false");
  CHECK(object.find("i")->text() == "-12");
  CHECK(object.find("s")->text() == "a\"é😀");
  const auto array = *object.find("a");
  REQUIRE(array.size() == 3);
  CHECK(array.first_child().text() == "1");
  CHECK(array.first_child().sibling().is(JsonKind::array));
  CHECK(array.first_child().sibling().sibling().is(JsonKind::object));
  CHECK(JsonObject(*JsonObject(*object.find("o")).find("x")).find("y")->text() == "1");
  CHECK(object.find("")->text() == "2");
}

TEST_CASE("fields are found in any order, again and again, or not at all") {
  JsonDocument document;
  REQUIRE(document.parse(R"({"a":1,"b":{"a":9},"c":3})"));
  JsonObject object(document.root());
  for (int round = 0; round < 3; ++round) {
    CHECK(object.find("c")->text() == "3");
    CHECK(object.find("a")->text() == "1");
    CHECK_FALSE(object.find("d"));
    CHECK_FALSE(object.find(""));
    CHECK(object.find("b")->is(JsonKind::object));
  }
  REQUIRE(document.parse("{}"));
  CHECK_FALSE(JsonObject(document.root()).find("a"));
}

TEST_CASE("numbers are kept as they were written") {
  JsonDocument document;
  REQUIRE(
      document.parse("[0,-0,9223372036854775807,-9223372036854775808,18446744073709551616,"
                     "1.5,1e3,123456789012345678901234567890]"));
  std::string written;
  JsonValue value = document.root().first_child();
  for (std::size_t i = 0; i < document.root().size(); ++i, value = value.sibling())
    written.append(value.text()).append(" ");
  CHECK(written ==
        "0 -0 9223372036854775807 -9223372036854775808 18446744073709551616 1.5 1e3 "
        "123456789012345678901234567890 ");
}

TEST_CASE("what is not JSON is refused") {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "[1",
                           "[1,]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "nul",
                           "tru",
                           "NaN",
                           "Infinity",
                           "-",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "0x1",
                           "1 2",
                           "{} {}",
                           "{}x",
                           "// c\n{}",
                           "{/*c*/}",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"a\nb\"",
                           "\"\t\"",
                           "\xEF\xBB\xBF{}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\""}) {
    CAPTURE(text);
    CHECK(failure(text) == Errc::bad_json);
  }
}

TEST_CASE("a zero byte, raw or escaped, is refused wherever it hides") {
  CHECK(failure(std::string_view("{}\0{\"evil\":1}", 13)) == Errc::bad_json);
  CHECK(failure(std::string_view("{\"a\":\"x\0\"}", 10)) == Errc::bad_json);
  CHECK(failure("{\"a\":\"x\\u0000y\"}") == Errc::bad_json);
  CHECK(failure("{\"a\\u0000\":1}") == Errc::bad_json);
}

TEST_CASE("what is not UTF-8 is refused, in names and in values") {
  for (const char* bytes :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xC3", "\xF0\x9F\x98"}) {
    CHECK(failure("{\"a\":\"" + std::string(bytes) + "\"}") == Errc::bad_json);
    CHECK(failure("{\"" + std::string(bytes) + "\":1}") == Errc::bad_json);
    CHECK(failure("{\"a\":\"12345678901234" + std::string(bytes) + "xyz\"}") == Errc::bad_json);
    CHECK_FALSE(valid_text(bytes));
  }
  for (const char* text : {"", "é", "한국어", "😀", "\x7F", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF"})
    CHECK(valid_text(text));
  CHECK(code_points("aé한😀") == 4);
}

TEST_CASE("32 levels are read, 33 are not") {
  CHECK(failure(nested(32, "[", "]")) == std::error_code());
  CHECK(failure(nested(33, "[", "]")) == Errc::too_deep);
  CHECK(failure("{\"a\":" + nested(31, "[", "]") + "}") == std::error_code());
  CHECK(failure("{\"a\":" + nested(32, "[", "]") + "}") == Errc::too_deep);
  CHECK(failure(std::string(60'000, '[')) == Errc::too_deep);
  CHECK(failure("\"" + std::string(100, '[') + "\"") == std::error_code());
}

TEST_CASE("65536 bytes are read, one more is not") {
  const std::string longest = '"' + std::string(kMaxBodyBytes - 2, 'x') + '"';
  CHECK(failure(longest) == std::error_code());
  CHECK(failure(longest + ' ') == Errc::too_large);
}

TEST_CASE("a name that comes twice is refused, and the pointer says where") {
  JsonDocument document;
  const auto detail = [&](std::string_view text) {
    const auto status = document.parse(text);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Errc::duplicate_field);
    return status.error().detail;
  };
  CHECK(detail(R"({"a":1,"a":1})") == "/a is named twice");
  CHECK(detail(R"({"x":[0,{"b":{"c":1,"d":2,"c":3}}]})") == "/x/1/b/c is named twice");
  CHECK(detail(R"({"a":1,"\u0061":2})") == "/a is named twice");
  CHECK(detail(R"({"a/b~":{"~":1,"~":2}})") == "/a~1b~0/~0 is named twice");
  std::string many = "{";
  for (int i = 0; i < 6000; ++i)
    many += "\"k" + std::to_string(i) + "\":0,";
  CHECK(detail(many + "\"k17\":1}") == "/k17 is named twice");
  CHECK(document.parse(many + "\"k6001\":1}"));
  CHECK(document.parse(R"([{"a":1},{"a":2},{"b":{"a":3},"a":4}])"));
}

TEST_CASE("a document is reused, also after an error") {
  JsonDocument document;
  REQUIRE(document.parse(R"({"a":[1,2,3]})"));
  REQUIRE_FALSE(document.parse(R"({"a":[1,2,)"));
  REQUIRE(document.parse(R"({"b":1})"));
  CHECK(document.root().size() == 1);
  CHECK(JsonObject(document.root()).find("b"));
}

TEST_CASE("what is written is what was meant, and reads back") {
  std::string out;
  JsonWriter writer(out);
  writer.open_object();
  writer.name("text");
  writer.text("\"\\\n\r\t\b\x01\x1f/한");
  writer.name("list");
  writer.open_array();
  writer.number(INT64_MIN);
  writer.number(0);
  writer.boolean(true);
  writer.null();
  writer.open_array();
  writer.close_array();
  writer.open_object();
  writer.close_object();
  writer.close_array();
  writer.close_object();
  CHECK(out ==
        "{\"text\":\"\\\"\\\\\\n\\r\\t\\u0008\\u0001\\u001f/한\","
        "\"list\":[-9223372036854775808,0,true,null,[],{}]}");
  JsonDocument document;
  REQUIRE(document.parse(out));
  CHECK(JsonObject(document.root()).find("text")->text() == "\"\\\n\r\t\b\x01\x1f/한");
}

TEST_CASE("no bytes, however random, crash the reader") {
  SeededRandom random(20261121);
  JsonDocument document;
  constexpr std::string_view kAlphabet = "{}[]\",:\\u0d8tfn-1e.\xC3\xA9\x00 ";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const auto length = random.below(80);
    for (std::uint64_t i = 0; i < length; ++i)
      text += kAlphabet[random.below(kAlphabet.size())];
    if (!document.parse(text)) continue;
    if (!document.root().is(JsonKind::object)) continue;
    CHECK_FALSE(JsonObject(document.root()).find("absent"));
  }
}
