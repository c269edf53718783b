#include "dropline/http/exchange.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/http/problem.hpp"

namespace dropline::http {
namespace {

bool one_line(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void append_line(std::string& out, std::string_view field, std::string_view value) {
  out += field;
  out += ": ";
  out += value;
  out += '\n';
}

}  // namespace

bool append_event(std::string& out, const ServerEvent& event) {
  if (!one_line(event.id) || !one_line(event.event)) return false;
  if (!event.id.empty()) append_line(out, "id", event.id);
  if (!event.event.empty()) append_line(out, "event", event.event);
  auto rest = event.data;
  while (true) {
    // A client ends a line at CR, LF or both, so that each must begin a new data line.
    const auto end = rest.find_first_of("\r\n");
    append_line(out, "data", rest.substr(0, end));
    if (end == std::string_view::npos) break;
    const bool both = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
    rest.remove_prefix(end + (both ? 2 : 1));
  }
  out += '\n';
  return true;
}

Exchange::~Exchange() {
  if (answered_.exchange(true)) return;
  sink_->deliver(sequence_, internal_error(request_->language()).response());
}

bool Exchange::respond(Response response) {
  ensure(!answered_.exchange(true), "an exchange is answered once");
  return sink_->deliver(sequence_, std::move(response));
}

bool Exchange::try_respond(Response response) {
  if (answered_.exchange(true)) return false;
  return sink_->deliver(sequence_, std::move(response));
}

void Exchange::on_closed(std::function<void()> callback) {
  if (answered()) return;
  sink_->watch(sequence_, std::move(callback));
}

bool Exchange::peer_gone() const noexcept {
  return sink_->gone(sequence_);
}

EventStreamPtr Exchange::event_stream() {
  ensure(!answered_.exchange(true), "an exchange is answered once");
  if (request_->method() == Method::head) {
    Response head;
    head.content_type = "text/event-stream";
    sink_->deliver(sequence_, head.header("Cache-Control", "no-store"));
    return nullptr;
  }
  return sink_->upgrade(sequence_);
}

std::string_view Exchange::last_event_id() const noexcept {
  return request_->header("last-event-id").value_or("");
}

}  // namespace dropline::http
