#include "dropline/contracts/envelope.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dropline/contracts/errors.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;

namespace {

using Headers = std::vector<stream::Header>;

const Headers kGood = {{header::kSpecVersion, "1.0"},
                       {header::kId, "123-4"},
                       {header::kSource, "stock/3"},
                       {header::kType, "StockReserved"}};

stream::Record record(const Headers& headers, std::optional<std::string_view> value = "{}",
                      std::string_view topic = "shop.orders.commands") {
  stream::Record record;
  record.topic = topic;
  record.key = "key";
  record.value = value;
  record.headers = headers;
  return record;
}

Headers plus(std::string_view name, std::optional<std::string_view> value) {
  Headers headers = kGood;
  headers.push_back({name, value});
  return headers;
}

Headers without(std::string_view name) {
  Headers headers = kGood;
  std::erase_if(headers, [&](const stream::Header& header) { return header.name == name; });
  return headers;
}

std::error_code failure(const Headers& headers, std::optional<std::string_view> value = "{}",
                        std::string_view topic = "shop.orders.commands") {
  const auto result = parse_envelope(record(headers, value, topic));
  return result ? std::error_code() : result.error().code;
}

constexpr std::string_view kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const Headers kStructured = {{header::kContentType, "application/cloudevents+json; charset=utf-8"}};

}  // namespace

TEST_CASE("binary mode is read from the headers, as views") {
  Headers headers = kGood;
  headers.push_back({header::kSubject, "0190b2a4-7b10-87dc-b413-e8279f55ee8b"});
  headers.push_back({header::kTime, "2026-03-01T18:00:00+09:00"});
  headers.push_back({header::kContentType, "Application/JSON; charset=utf-8"});
  headers.push_back({header::kTraceParent, kTrace});
  headers.push_back({header::kCorrelation, "0190b2a4-7b10-87dc-b413-e8279f55ee8b"});
  headers.push_back({header::kCausation, "ingress/a#1"});
  headers.push_back({header::kSignature, "h1.a.b"});
  headers.push_back({"x-unknown", "\x01\xFF"});
  headers.push_back({"ce_unknown", std::nullopt});
  const auto given = record(headers);
  const auto envelope = parse_envelope(given);
  REQUIRE(envelope);
  CHECK(envelope->id == "123-4");
  CHECK(envelope->sequence() == Sequence{123, 4});
  CHECK(envelope->shard() == Source{"stock", 3});
  CHECK(envelope->type == "StockReserved");
  CHECK(envelope->subject == "0190b2a4-7b10-87dc-b413-e8279f55ee8b");
  CHECK(envelope->order()->text() == envelope->correlation);
  CHECK(envelope->time == parse_rfc3339("2026-03-01T09:00:00Z"));
  CHECK(envelope->traceparent == kTrace);
  CHECK(envelope->causation == "ingress/a#1");
  CHECK(envelope->signature == "h1.a.b");
  CHECK(envelope->body.data() == given.value->data());
  CHECK(envelope->storage == nullptr);
}

TEST_CASE("what CloudEvents requires must be there") {
  CHECK(failure(kGood) == std::error_code());
  for (const auto name : {header::kSpecVersion, header::kId, header::kSource, header::kType}) {
    CAPTURE(name);
    CHECK(failure(without(name)) == Errc::bad_envelope);
    auto empty = without(name);
    empty.push_back({name, ""});
    CHECK(failure(empty) == Errc::bad_envelope);
  }
  auto version = without(header::kSpecVersion);
  version.push_back({header::kSpecVersion, "0.3"});
  CHECK(failure(version) == Errc::bad_envelope);
  CHECK(failure({}) == Errc::bad_envelope);
  CHECK(failure(kGood, std::nullopt) == Errc::bad_envelope);
}

TEST_CASE("headers that are doubled, null, long or not printable are refused") {
  CHECK(failure(plus(header::kType, "PlaceOrder")) == Errc::bad_envelope);
  CHECK(failure(plus(header::kSubject, std::nullopt)) == Errc::bad_envelope);
  CHECK(failure(plus(header::kSubject, std::string(257, 'x'))) == Errc::bad_envelope);
  CHECK(failure(plus(header::kSubject, std::string(256, 'x'))) == std::error_code());
  CHECK(failure(plus(header::kSubject, "a\nb")) == Errc::bad_envelope);
  CHECK(failure(plus(header::kSubject, std::string_view("a\0b", 3))) == Errc::bad_envelope);
  CHECK(failure(plus(header::kSubject, "\xFF")) == Errc::bad_envelope);
  CHECK(failure(plus(header::kTime, "yesterday")) == Errc::bad_envelope);
  CHECK(failure(plus(header::kContentType, "text/plain")) == Errc::bad_envelope);
  CHECK(failure(plus(header::kContentType, "application/jsonx")) == Errc::bad_envelope);
  CHECK(failure(plus(header::kContentType, "application/cloudevents-batch+json")) ==
        Errc::bad_envelope);
}

TEST_CASE("a trace that is none is dropped, not refused") {
  for (const char* trace : {"", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "\xFF"}) {
    const auto headers = plus(header::kTraceParent, trace);
    const auto envelope = parse_envelope(record(headers));
    REQUIRE(envelope);
    CHECK(envelope->traceparent.empty());
  }
  CHECK(valid_traceparent(kTrace));
}

TEST_CASE("structured mode is read on command topics, its data as it stands") {
  constexpr std::string_view kEvent =
      R"( {"specversion":"1.0","type":"Place\u004frder","source":"partner","id":"a-1",)"
      R"("data" : {"x":"\u0041", "y":[1, 2]} ,"time":"2026-03-01T09:00:00Z","extra":{"z":1},)"
      R"("correlationid":"c","datacontenttype":"application/json","subject":"s"} )";
  const auto envelope = parse_envelope(record(kStructured, kEvent));
  REQUIRE(envelope);
  CHECK(envelope->type == "PlaceOrder");
  CHECK(envelope->source == "partner");
  CHECK(envelope->id == "a-1");
  CHECK(envelope->subject == "s");
  CHECK(envelope->correlation == "c");
  CHECK(envelope->body == R"({"x":"\u0041", "y":[1, 2]})");
  CHECK(envelope->body.data() >= kEvent.data());
  const Envelope copy = *envelope;
  CHECK(copy.type == "PlaceOrder");
  CHECK(failure(kStructured, kEvent, "shop.stock.events") == Errc::bad_envelope);
}

TEST_CASE("a structured event that is none is refused") {
  const auto event = [](std::string_view rest) {
    return R"({"specversion":"1.0","type":"T","source":"s",)" + std::string(rest) + '}';
  };
  CHECK(failure(kStructured, event(R"("id":"1","data":{})")) == std::error_code());
  CHECK(failure(kStructured, event(R"("data":{})")) == Errc::bad_envelope);
  CHECK(failure(kStructured, event(R"("id":"1")")) == Errc::bad_envelope);
  CHECK(failure(kStructured, event(R"("id":1,"data":{})")) == Errc::bad_envelope);
  CHECK(failure(kStructured, event(R"("id":"1","data":"{}")")) == Errc::bad_envelope);
  CHECK(failure(kStructured, event(R"("id":"1","data_base64":"e30")")) == Errc::bad_envelope);
  CHECK(failure(kStructured, event(R"("id":"1","data":{},"datacontenttype":"text/xml")")) ==
        Errc::bad_envelope);
  CHECK(failure(kStructured, event(R"("id":"1","id":"2","data":{})")) == Errc::duplicate_field);
  CHECK(failure(kStructured, event(R"("id":"\u000a","data":{})")) == Errc::bad_envelope);
  CHECK(failure(kStructured, "[]") == Errc::bad_envelope);
  CHECK(failure(kStructured, "{") == Errc::bad_json);
  CHECK(failure(kStructured, "") == Errc::bad_json);
  CHECK(failure(kStructured, std::string(70'000, ' ')) == Errc::too_large);
}

TEST_CASE("a reader can tell by header what it need not parse") {
  CHECK(type_header(record(kGood)) == "StockReserved");
  CHECK(may_be(record(kGood), "StockReserved"));
  CHECK_FALSE(may_be(record(kGood), "PlaceOrder"));
  CHECK(type_header(record(kStructured)).empty());
  CHECK(may_be(record(kStructured), "PlaceOrder"));
  CHECK(may_be(record({}), "PlaceOrder"));
}

TEST_CASE("sources are <service>/<shard>, with one text each") {
  CHECK(Source::parse("stock/3")->text() == "stock/3");
  CHECK(Source::parse("a_b2/0") == Source{"a_b2", 0});
  CHECK(Source::parse("x/2147483647"));
  for (const char* text :
       {"", "/", "stock", "stock/", "/3", "stock/03", "stock/-1", "stock/+1", "stock/3 ",
        "stock/3/4", "Stock/3", "2stock/3", "stock/2147483648", "st-ock/3", "ingress/seoul"}) {
    CAPTURE(text);
    CHECK_FALSE(Source::parse(text));
  }
}

TEST_CASE("sequences are <batch>-<index>, with one text each, and in order") {
  CHECK(Sequence::parse("123-4") == Sequence{123, 4});
  CHECK(Sequence::parse("0-0")->text() == "0-0");
  CHECK(Sequence::parse("9223372036854775807-2147483647"));
  for (const char* text :
       {"", "-", "1", "1-", "-1", "01-1", "1-01", "1--1", "1-1 ", "1-1-1", "9223372036854775808-0",
        "0-2147483648", "a-1", "0190b2a4-7b10-87dc-b413-e8279f55ee8b"}) {
    CAPTURE(text);
    CHECK_FALSE(Sequence::parse(text));
  }
  CHECK(Sequence{9, 9} < Sequence{10, 0});
  CHECK(Sequence{10, 0} < Sequence{10, 1});
}

TEST_CASE("written headers read back") {
  Attributes attributes{.id = "7-0",
                        .source = "stock/3",
                        .type = "StockReserved",
                        .subject = "s",
                        .correlation = "c",
                        .causation = "ingress/a#1",
                        .traceparent = kTrace,
                        .signature = "h1.a.b",
                        .time = from_unix_us(1'772'355'600'042'007)};
  const EnvelopeHeaders headers(attributes);
  const auto envelope =
      parse_envelope(record(Headers(headers.list().begin(), headers.list().end())));
  REQUIRE(envelope);
  CHECK(envelope->id == "7-0");
  CHECK(envelope->source == "stock/3");
  CHECK(envelope->subject == "s");
  CHECK(envelope->correlation == "c");
  CHECK(envelope->causation == "ingress/a#1");
  CHECK(envelope->traceparent == kTrace);
  CHECK(envelope->signature == "h1.a.b");
  CHECK(envelope->time == attributes.time);
  attributes.subject = attributes.correlation = attributes.causation = {};
  attributes.traceparent = attributes.signature = {};
  CHECK(EnvelopeHeaders(attributes).list().size() == 6);
}
