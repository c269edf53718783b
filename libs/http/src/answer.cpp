#include "answer.hpp"

#include <algorithm>
#include <charconv>

#include "text.hpp"

namespace dropline::http {
namespace {

bool valid_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

/// What the server alone decides.
bool framing_header(std::string_view name) noexcept {
  switch (name.size()) {
    case 4:
      return iequals(name, "date");
    case 10:
      return iequals(name, "connection") || iequals(name, "keep-alive");
    case 14:
      return iequals(name, "content-length");
    case 17:
      return iequals(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_number(std::string& out, std::size_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

void append_status_line(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(status));
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
}

void append_connection(std::string& out, const AnswerFrame& frame) {
  if (frame.close) {
    out += "Connection: close\r\n";
  } else if (frame.minor_version == 0) {
    out += "Connection: keep-alive\r\n";
  }
}

}  // namespace

bool well_formed(const Response& response) noexcept {
  if (response.status < 200 || response.status > 599) return false;
  if (!valid_value(response.content_type)) return false;
  return std::ranges::all_of(response.headers, [](const auto& header) {
    return is_token(header.first) && valid_value(header.second);
  });
}

void append_answer(std::string& out, const Response& response, const AnswerFrame& frame) {
  const bool no_content = response.status == 204 || response.status == 304;
  out.reserve(out.size() + 256 + response.body.size());
  append_status_line(out, response.status);
  append_header(out, "Date", frame.date);
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) {
    if (!framing_header(name)) append_header(out, name, value);
  }
  // An empty body answered to HEAD may stand for one of unknown length.
  if (!no_content && !(frame.head_only && response.body.empty())) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  append_connection(out, frame);
  out += "\r\n";
  if (!no_content && !frame.head_only) out += response.body;
}

void append_stream_head(std::string& out, const AnswerFrame& frame) {
  append_status_line(out, 200);
  append_header(out, "Date", frame.date);
  append_header(out, "Content-Type", "text/event-stream");
  append_header(out, "Cache-Control", "no-store");
  // Proxies in front would otherwise hold events back until a buffer is full.
  append_header(out, "X-Accel-Buffering", "no");
  if (frame.minor_version >= 1 && !frame.head_only)
    append_header(out, "Transfer-Encoding", "chunked");
  if (frame.minor_version == 0 || frame.close) out += "Connection: close\r\n";
  out += "\r\n";
}

}  // namespace dropline::http
