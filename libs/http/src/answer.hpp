#pragma once

#include <string>
#include <string_view>

#include "dropline/http/response.hpp"

namespace dropline::http {

/// What the connection adds to a response.
struct AnswerFrame {
  int minor_version = 1;  ///< of the request
  bool head_only = false;
  bool close = false;
  std::string_view date;  ///< IMF-fixdate
};

/// True when nothing in it breaks the framing.
[[nodiscard]] bool well_formed(const Response& response) noexcept;

/// Appends head and body as they go over the wire. `response` is well formed.
void append_answer(std::string& out, const Response& response, const AnswerFrame& frame);

/// The head of an event stream; the body follows, chunked on HTTP/1.1.
void append_stream_head(std::string& out, const AnswerFrame& frame);

}  // namespace dropline::http
