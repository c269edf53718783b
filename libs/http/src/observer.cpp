#include "dropline/http/observer.hpp"

namespace dropline::http {

std::string_view to_text(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::malformed:
      return "malformed";
    case Refusal::version:
      return "version";
    case Refusal::method:
      return "method";
    case Refusal::target_too_long:
      return "target_too_long";
    case Refusal::head_too_large:
      return "head_too_large";
    case Refusal::body_too_large:
      return "body_too_large";
    case Refusal::expectation:
      return "expectation";
    case Refusal::head_deadline:
      return "head_deadline";
    case Refusal::body_deadline:
      return "body_deadline";
    case Refusal::write_deadline:
      return "write_deadline";
    case Refusal::too_many_connections:
      return "too_many_connections";
    case Refusal::too_many_in_flight:
      return "too_many_in_flight";
    case Refusal::too_many_streams:
      return "too_many_streams";
    case Refusal::draining:
      return "draining";
    case Refusal::answer_deadline:
      return "answer_deadline";
    case Refusal::stream_backlog:
      return "stream_backlog";
  }
  return "unknown";
}

}  // namespace dropline::http
