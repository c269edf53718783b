#include "message_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

namespace dropline::http {
namespace beast = boost::beast::http;

MessageReader::MessageReader(std::string& body, std::size_t max_body_bytes) : body_(body) {
  header_limit(UINT32_MAX);  // the scanner has bounded it
  body_limit(max_body_bytes);
}

bool MessageReader::take_head(std::string_view text, const Head& head) {
  Code code;
  eager(false);
  const auto used = put(boost::asio::const_buffer(text.data(), text.size()), code);
  if (code || used != text.size() || !is_header_done()) return false;
  chunked_ = head.chunked;
  const auto length = content_length();
  const bool same_length = length ? head.content_length && *length == *head.content_length
                                  : !head.content_length.has_value();
  eager(true);
  return chunked() == head.chunked && same_length;
}

MessageReader::State MessageReader::take_body(std::string_view buffered, std::size_t& used) {
  used = 0;
  while (!is_done()) {
    const auto rest = buffered.substr(used);
    if (rest.empty() || (chunked_ && rest.size() < kMinChunkedRest)) return State::more;
    Code code;
    const auto taken = put(boost::asio::const_buffer(rest.data(), rest.size()), code);
    used += taken;
    if (code == beast::error::need_more) {
      return buffered.size() - used > kMaxChunkHeadBytes ? State::malformed : State::more;
    }
    if (code == beast::error::body_limit) return State::too_large;
    if (code) return State::malformed;
    if (taken == 0) return State::more;
  }
  return State::complete;
}

void MessageReader::on_body_init_impl(const boost::optional<std::uint64_t>& size, Code& code) {
  code = {};
  if (size) body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*size, 65'536)));
}

std::size_t MessageReader::on_body_impl(View bytes, Code& code) {
  code = {};
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

void MessageReader::on_chunk_header_impl(std::uint64_t, View extension, Code& code) {
  code = {};
  if (extension.size() > kMaxChunkExtensionBytes) code = beast::error::bad_chunk_extension;
}

std::size_t MessageReader::on_chunk_body_impl(std::uint64_t, View bytes, Code& code) {
  code = {};
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace dropline::http
