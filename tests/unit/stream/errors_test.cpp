#include "dropline/stream/errors.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace dropline;
using stream::Errc;

TEST_CASE("stream errors are classified as their list says") {
  for (const Errc code : {Errc::queue_full, Errc::unreachable, Errc::timed_out, Errc::disk_full})
    CHECK(severity_of(code) == Severity::transient);
  for (const Errc code :
       {Errc::too_large, Errc::unknown_topic, Errc::bad_partition, Errc::bad_record})
    CHECK(severity_of(code) == Severity::permanent);
  for (const Errc code : {Errc::wrong_partition_count, Errc::position_lost, Errc::locked,
                          Errc::corrupt, Errc::bad_config, Errc::closed, Errc::failed})
    CHECK(severity_of(code) == Severity::fatal);
}

TEST_CASE("every stream error has a text of its own") {
  std::set<std::string> texts;
  const int last = static_cast<int>(Errc::failed);
  for (int code = 1; code <= last; ++code)
    texts.insert(make_error_code(static_cast<Errc>(code)).message());
  CHECK(texts.size() == static_cast<std::size_t>(last));
  CHECK(stream::error(Errc::queue_full, "5 records").text() == "5 records [stream: queue full]");
}
