#include "dropline/http/traceparent.hpp"

#include <doctest/doctest.h>

using namespace dropline;
using namespace dropline::http;

TEST_CASE("a traceparent is read and written as W3C says") {
  const std::string text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto trace = TraceContext::parse(text);
  REQUIRE(trace.has_value());
  CHECK(trace->text() == text);
  CHECK(trace->sampled());
  SeededRandom random(1);
  const auto child = trace->child(random);
  CHECK(child.trace_id == trace->trace_id);
  CHECK(child.span_id != trace->span_id);
  CHECK(TraceContext::parse(TraceContext::generate(random).text()).has_value());
  CHECK(TraceContext::parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
  for (const char* bad : {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                          "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
                          "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01"}) {
    CAPTURE(bad);
    CHECK_FALSE(TraceContext::parse(bad).has_value());
  }
}
