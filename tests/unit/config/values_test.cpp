#include "dropline/config/values.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "dropline/config/settings.hpp"

using namespace std::chrono_literals;
using namespace dropline::config;

namespace {

std::string why(const auto& result) {
  return result.has_value() ? std::string() : result.error().detail;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("durations are read in every unit and combination") {
  CHECK(parse_duration("0").value() == 0ns);
  CHECK(parse_duration("0s").value() == 0ns);
  CHECK(parse_duration("7us").value() == 7us);
  CHECK(parse_duration("250ms").value() == 250ms);
  CHECK(parse_duration("15m").value() == 15min);
  CHECK(parse_duration("3d").value() == 72h);
  CHECK(parse_duration("2w").value() == 14 * 24h);
  CHECK(parse_duration("1h30m").value() == 90min);
  CHECK(parse_duration("1d2h3m4s5ms6us").value() == 26h + 3min + 4s + 5ms + 6us);
  CHECK(parse_duration(" 15 m ").value() == 15min);
  CHECK(parse_duration("36500d").value() == kMaxDuration);
}

TEST_CASE("what is not a duration is refused with the reason") {
  for (const char* bad : {"", " ", "15", "m", "-1s", "+1s", "1.5s", "1s1m", "1s1s", "1m 30", "1 5m",
                          "15min", "15M", "1h,30m", "١s", "1e3s", "0x1s", "1s!", "00"}) {
    CAPTURE(bad);
    CHECK(parse_duration(bad).has_error());
  }
  CHECK(contains(why(parse_duration("-5s")), "negative"));
  CHECK(contains(why(parse_duration("15")), "no unit"));
  CHECK(contains(why(parse_duration("15min")), "'min' is not a unit"));
  CHECK(contains(why(parse_duration("1s1m")), "larger units come first"));
}

TEST_CASE("durations that do not fit are refused, not wrapped") {
  for (const char* huge : {"36501d", "36500d1us", "9223372036854775807w", "9223372036854775808s",
                           "99999999999999999999999999s", "9223372036854775807us"}) {
    CAPTURE(huge);
    CHECK(parse_duration(huge).has_error());
  }
}

TEST_CASE("a duration's text reads back as the same duration") {
  for (const auto span :
       {std::chrono::nanoseconds(0), std::chrono::nanoseconds(1us), 250ms + 0ns, 90min + 0ns,
        24h + 0ns, 10 * 24h + 0ns, 7 * 24h + 0ns, 24h + 1us + 0ns, kMaxDuration}) {
    CAPTURE(format_duration(span));
    CHECK(parse_duration(format_duration(span)).value() == span);
  }
  CHECK(format_duration(90min) == "1h30m");
  CHECK(format_duration(14 * 24h) == "2w");
  CHECK(format_duration(10 * 24h) == "10d");
  CHECK(format_duration(-90s) == "-1m30s");
  CHECK_FALSE(format_duration(std::chrono::nanoseconds::min()).empty());
}

TEST_CASE("sizes are read with and without units") {
  CHECK(parse_bytes("0").value() == 0);
  CHECK(parse_bytes("512").value() == 512);
  CHECK(parse_bytes("512B").value() == 512);
  CHECK(parse_bytes("64KiB").value() == 65536);
  CHECK(parse_bytes("10 MB").value() == 10'000'000);
  CHECK(parse_bytes(" 2GiB ").value() == 2'147'483'648);
  CHECK(parse_bytes("8388607TiB").value() == 9'223'370'937'343'148'032);
  CHECK(parse_bytes("9223372036854775807").value() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("what is not a size is refused with the reason") {
  for (const char* bad :
       {"", "-1", "KiB", "64K", "64kb", "64KB", "1.5MiB", "64KiB64KiB", "6 4", "1 MiB x",
        "8388608TiB", "9223372036854775808", "99999999999999999999TB"}) {
    CAPTURE(bad);
    CHECK(parse_bytes(bad).has_error());
  }
  CHECK(contains(why(parse_bytes("64K")), "KiB"));
}

TEST_CASE("a size's text reads back as the same size") {
  for (const std::int64_t size :
       {0L, 1L, 1000L, 1024L, 65536L, 1536L, 1L << 40, std::numeric_limits<std::int64_t>::max()}) {
    CAPTURE(size);
    CHECK(parse_bytes(format_bytes(size)).value() == size);
  }
  CHECK(format_bytes(65536) == "64KiB");
  CHECK(format_bytes(1000) == "1000B");
}

TEST_CASE("whole numbers are whole and fit") {
  CHECK(parse_integer(" -42 ").value() == -42);
  CHECK(parse_integer("-9223372036854775808").value() == std::numeric_limits<std::int64_t>::min());
  for (const char* bad : {"", "+1", "1.0", "1e3", "0x10", "1_000", "1,000", "--1", "1 2", "one",
                          "9223372036854775808"}) {
    CAPTURE(bad);
    CHECK(parse_integer(bad).has_error());
  }
}

TEST_CASE("decimal numbers are finite") {
  CHECK(parse_number("0.25").value() == 0.25);
  CHECK(parse_number("-1e3").value() == -1000);
  for (const char* bad : {"", "nan", "inf", "-inf", "1e999", "1,5", "0.5x"}) {
    CAPTURE(bad);
    CHECK(parse_number(bad).has_error());
  }
}

TEST_CASE("true and false have a few spellings and no others") {
  for (const char* yes : {"true", "YES", "On", "1"})
    CHECK(parse_boolean(yes).value());
  for (const char* no : {"false", "No", "OFF", "0"})
    CHECK_FALSE(parse_boolean(no).value());
  for (const char* bad : {"", "2", "y", "tru", "enabled"})
    CHECK(parse_boolean(bad).has_error());
}

TEST_CASE("addresses have a host and a port") {
  CHECK(parse_address("127.0.0.1:8080").value() == Address{"127.0.0.1", 8080});
  CHECK(parse_address("[::1]:0").value() == Address{"::1", 0});
  CHECK(parse_address("broker_1.example.org:65535").value().port == 65535);
  CHECK(parse_address("[fe80::1%eth0]:9092").value().text() == "[fe80::1%eth0]:9092");
  for (const char* bad : {"", "localhost", ":8080", "localhost:", "localhost:65536", "localhost:-1",
                          "localhost:80x", "::1:8080", "[::1]", "[::1]8080", "[localhost]:80",
                          "a b:80", "user@host:80", "host:000080", "http://host:80"}) {
    CAPTURE(bad);
    CHECK(parse_address(bad).has_error());
  }
  CHECK(contains(why(parse_address("::1:8080")), "brackets"));
  CHECK(contains(why(parse_address(":8080")), "0.0.0.0"));
}

TEST_CASE("URLs have a scheme and a host") {
  for (const char* good :
       {"https://example.org", "postgresql://u:p@127.0.0.1:5432/shop?sslmode=require",
        "http://[::1]:8080/x", "postgresql://a:1,b:2/shop"}) {
    CAPTURE(good);
    CHECK(check_url(good).has_value());
  }
  for (const char* bad :
       {"", "example.org", "://x", "http://", "http:///path", "http://u@", "http://ho st",
        "http://host:99999", "http://host:x", "1http://host", "http://host\n"}) {
    CAPTURE(bad);
    CHECK(check_url(bad).has_error());
  }
}

TEST_CASE("passwords in URLs are not shown") {
  CHECK(redact_url("postgresql://shop:s3cret@db/shop") == "postgresql://shop:(hidden)@db/shop");
  CHECK(redact_url("postgresql://shop:a@b@db/shop") == "postgresql://shop:(hidden)@db/shop");
  CHECK(redact_url("postgresql://shop@db:5432/shop?a=b") == "postgresql://shop@db:5432/shop?a=b");
  CHECK(redact_url("postgresql:///shop?user=u&Password=s3cret&x=1") ==
        "postgresql:///shop?user=u&Password=(hidden)&x=1");
  CHECK(redact_url("not a url: s") == "not a url: s");
}

TEST_CASE("the nearest name is found when it is near") {
  const std::vector<std::string> known{"http.port", "http.address", "kafka.brokers", "store.url"};
  CHECK(nearest("http.prot", known) == "http.port");
  CHECK(nearest("http.adress", known) == "http.address");
  CHECK(nearest("kafka.borkers", known) == "kafka.brokers");
  CHECK(nearest("server.port", known) == "http.port");
  CHECK(nearest("brokers", known) == "kafka.brokers");
  CHECK(nearest("nothing.alike", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(100'000, 'x'), known).empty());
}
