#include "head.hpp"

#include <algorithm>
#include <array>

#include "target.hpp"
#include "text.hpp"

namespace dropline::http {
namespace {

constexpr std::size_t kMaxMethodBytes = 32;

/// Bytes that may stand inside a line: visible ASCII, space, tab, obs-text.
constexpr auto kLineBytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 256; ++c)
    table[c] = c != 0x7F;
  table['\t'] = true;
  return table;
}();

HeadFault malformed(std::string_view detail) noexcept {
  return {400, Refusal::malformed, detail};
}

std::optional<HeadFault> parse_request_line(std::string_view line, Head& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return malformed("the request line is not METHOD TARGET VERSION");
  const auto method = line.substr(0, first);
  const auto version = line.substr(last + 1);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || method.size() > kMaxMethodBytes)
    return malformed("the method is not a token");
  const bool shaped = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' &&
                      version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
                      version[7] <= '9';
  if (!shaped) return malformed("the version is not HTTP/x.y");
  if (version[5] != '1' || version[7] > '1')
    return HeadFault{505, Refusal::version, "HTTP/1.0 and HTTP/1.1 are supported"};
  head.minor_version = version[7] - '0';
  if (head.target.empty() || head.target.find_first_of(" \t") != std::string_view::npos)
    return malformed("the target holds white space");
  const auto known = parse_method(method);
  if (!known) return HeadFault{501, Refusal::method, "the method is not supported"};
  head.method = *known;
  return std::nullopt;
}

bool parse_content_length(std::string_view text, std::uint64_t& out) noexcept {
  constexpr std::size_t kMaxDigits = 18;
  if (text.empty() || text.size() > kMaxDigits) return false;
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

/// Codings that exist but that no client needs to send us.
bool known_coding(std::string_view text) noexcept {
  std::string_view element;
  bool other = false;
  while (next_element(text, element)) {
    for (const std::string_view coding : {"gzip", "x-gzip", "compress", "x-compress", "deflate"})
      other = other || iequals(element, coding);
  }
  return other;
}

/// Collects the fields that frame the message; the rest is the handler's business.
class Framing final {
 public:
  std::optional<HeadFault> take(std::string_view name, std::string_view value, Head& head) {
    switch (name.size()) {
      case 4:
        if (iequals(name, "host")) return take_host(value, head);
        break;
      case 6:
        if (iequals(name, "expect")) return take_expect(value, head);
        break;
      case 10:
        if (iequals(name, "connection")) take_connection(value);
        break;
      case 14:
        if (iequals(name, "content-length")) return take_length(value, head);
        break;
      case 17:
        if (iequals(name, "transfer-encoding")) return take_coding(value, head);
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  std::optional<HeadFault> finish(Head& head) const {
    if (head.minor_version >= 1 && !host_) return malformed("HTTP/1.1 needs a Host header");
    if (head.chunked && head.content_length)
      return malformed("Transfer-Encoding and Content-Length exclude each other");
    if (head.chunked && head.minor_version == 0)
      return malformed("HTTP/1.0 knows no Transfer-Encoding");
    head.keep_alive = !close_ && (head.minor_version >= 1 || keep_alive_);
    if (head.minor_version == 0) head.expects_continue = false;
    return std::nullopt;
  }

 private:
  std::optional<HeadFault> take_host(std::string_view value, Head& head) {
    if (host_) return malformed("there is more than one Host header");
    host_ = true;
    if (!valid_authority(value)) return malformed("the Host header is not host[:port]");
    head.host = value;
    return std::nullopt;
  }

  std::optional<HeadFault> take_expect(std::string_view value, Head& head) {
    if (!iequals(value, "100-continue"))
      return HeadFault{417, Refusal::expectation, "only 100-continue can be expected"};
    head.expects_continue = true;
    return std::nullopt;
  }

  void take_connection(std::string_view value) {
    std::string_view element;
    while (next_element(value, element)) {
      close_ = close_ || iequals(element, "close");
      keep_alive_ = keep_alive_ || iequals(element, "keep-alive");
    }
  }

  // Repeated lengths are refused even when they agree: whoever sends them is worth no guess.
  std::optional<HeadFault> take_length(std::string_view value, Head& head) {
    std::uint64_t length = 0;
    if (head.content_length) return malformed("there is more than one Content-Length");
    if (!parse_content_length(value, length)) return malformed("Content-Length is not a number");
    head.content_length = length;
    return std::nullopt;
  }

  std::optional<HeadFault> take_coding(std::string_view value, Head& head) {
    if (head.chunked) return malformed("there is more than one Transfer-Encoding");
    if (!iequals(value, "chunked")) {
      if (known_coding(value))
        return HeadFault{501, Refusal::malformed, "only the chunked transfer coding is supported"};
      return malformed("Transfer-Encoding is not exactly chunked");
    }
    head.chunked = true;
    return std::nullopt;
  }

  bool host_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
};

}  // namespace

HeadScanner::State HeadScanner::bad(int status, Refusal refusal, std::string_view detail) noexcept {
  fault_ = {status, refusal, detail};
  return State::bad;
}

void HeadScanner::reset() noexcept {
  at_ = line_start_ = lines_ = 0;
}

HeadScanner::State HeadScanner::scan(std::string_view buffered) noexcept {
  const auto end = std::min(buffered.size(), limits_.max_head_bytes);
  if (at_ == 0 && end > 0 && !is_token_char(buffered[0]))
    return bad(400, Refusal::malformed, "this does not begin like an HTTP request");
  while (at_ < end) {
    const char c = buffered[at_];
    if (kLineBytes[static_cast<unsigned char>(c)]) {
      if (at_ == line_start_ && (c == ' ' || c == '\t'))
        return bad(400, Refusal::malformed, "header lines are not continued");
      ++at_;
      continue;
    }
    if (c != '\r')
      return bad(
          400, Refusal::malformed,
          c == '\n' ? "a line ends with CR LF, not LF" : "the head holds a control character");
    if (at_ + 1 == end) break;
    if (buffered[at_ + 1] != '\n')
      return bad(400, Refusal::malformed, "a CR stands without its LF");
    if (lines_ == 0 && at_ > limits_.max_request_line_bytes)
      return bad(414, Refusal::target_too_long, "the request line is too long");
    const bool empty = at_ == line_start_;
    at_ += 2;
    line_start_ = at_;
    if (empty) return State::complete;
    if (++lines_ > limits_.max_header_count + 1)
      return bad(431, Refusal::head_too_large, "there are too many headers");
  }
  if (lines_ == 0 && at_ > limits_.max_request_line_bytes)
    return bad(414, Refusal::target_too_long, "the request line is too long");
  if (end == limits_.max_head_bytes)
    return bad(431, Refusal::head_too_large, "the headers are too large");
  return State::more;
}

std::variant<Head, HeadFault> parse_head(std::string_view text) {
  Head head;
  auto end = text.find("\r\n");
  if (end == std::string_view::npos) return malformed("the head has no end");
  if (const auto fault = parse_request_line(text.substr(0, end), head)) return *fault;
  head.headers.reserve(12);
  Framing framing;
  for (auto at = end + 2;; at = end + 2) {
    end = text.find("\r\n", at);
    if (end == std::string_view::npos) return malformed("the head has no end");
    if (end == at) break;
    const auto line = text.substr(at, end - at);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("a header line has no colon");
    const auto name = line.substr(0, colon);
    if (!is_token(name)) return malformed("a header's name is not a token");
    const auto value = trim(line.substr(colon + 1));
    const auto value_at =
        value.empty() ? end : static_cast<std::size_t>(value.data() - text.data());
    head.headers.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
                            static_cast<std::uint32_t>(value_at),
                            static_cast<std::uint32_t>(value.size())});
    if (const auto fault = framing.take(name, value, head)) return *fault;
  }
  if (const auto fault = framing.finish(head)) return *fault;
  return head;
}

}  // namespace dropline::http
