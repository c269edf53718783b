#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "dropline/base/random.hpp"
#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/hex.hpp"

using namespace dropline::crypto;

TEST_CASE("base64url gives RFC 4648's texts, without padding") {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    CHECK(base64url_encode(std::string_view(bytes)) == text);
    CHECK(base64url_decode(text) == std::string(bytes));
    CHECK(base64url_length(std::string_view(bytes).size()) == std::string_view(text).size());
  }
  CHECK(base64url_encode(std::string_view("\xfb\xff\xfe")) == "-__-");
}

TEST_CASE("base64url refuses padding, other alphabets, white space and odd lengths") {
  for (const char* text :
       {"Zg==", "Zg=", "=", "Z", "Zm9vY", "+/+/", "Zm 9", "Zm9v\n", "Zm\xc3\xa9"})
    CHECK_FALSE(base64url_decode(text));
  CHECK_FALSE(base64url_decode(std::string_view("Zm9\0", 4)));
}

TEST_CASE("base64url refuses a second text for the same bytes") {
  CHECK(base64url_decode("Zg"));
  for (const char* text : {"Zh", "Zi", "Zv", "Zm9", "Zm-", "Zm_"})
    CHECK_FALSE(base64url_decode(text));
}

TEST_CASE("base64url brings any bytes back") {
  dropline::SeededRandom random(4);
  for (std::size_t length = 0; length < 200; ++length) {
    std::vector<std::uint8_t> bytes(length);
    random.fill(bytes);
    const auto text = base64url_encode(bytes);
    CHECK(base64url_decode(text) == std::string(bytes.begin(), bytes.end()));
    std::vector<std::uint8_t> back(length);
    CHECK(base64url_decode_into(text, back));
    CHECK(back == bytes);
    back.resize(length + 1);
    CHECK_FALSE(base64url_decode_into(text, back));
  }
}

TEST_CASE("hex reads either case, writes lower case and refuses the rest") {
  CHECK(hex_encode(std::array<std::uint8_t, 3>{0x00, 0xAB, 0xFF}) == "00abff");
  CHECK(hex_decode("00abFF") == std::string("\x00\xab\xff", 3));
  CHECK(hex_decode("") == std::string());
  for (const char* text : {"0", "0g", "0x", " 00", "00 ", "-1"})
    CHECK_FALSE(hex_decode(text));
}

TEST_CASE("a digest has one text: 64 lower-case digits") {
  const auto digest = sha256("abc");
  std::string text(64, ' ');
  write_digest(digest, text.data());
  CHECK(text == hex_encode(digest));
  CHECK(parse_digest(text) == digest);
  CHECK_FALSE(parse_digest(text.substr(1)));
  CHECK_FALSE(parse_digest(text + "0"));
  text[0] = 'B';
  CHECK_FALSE(parse_digest(text));
}
