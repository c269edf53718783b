#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "head.hpp"

namespace dropline::http {

/// Beast's parser, fed with a head that the strict reader has passed, then with the body. Beast
/// decodes the body; its reading of the framing must equal ours, or the message is refused.
class MessageReader final : private boost::beast::http::basic_parser<true> {
 public:
  enum class State { more, complete, malformed, too_large };

  /// `body` receives the decoded body, at most `max_body_bytes`.
  MessageReader(std::string& body, std::size_t max_body_bytes);

  /// False when Beast reads the head differently.
  [[nodiscard]] bool take_head(std::string_view text, const Head& head);
  [[nodiscard]] bool has_body() { return !is_done(); }

  /// Takes what it can off the front of `buffered`; `used` tells how much.
  [[nodiscard]] State take_body(std::string_view buffered, std::size_t& used);

 private:
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;
  using StatusCode = int;
  using View = boost::beast::string_view;
  using Code = boost::beast::error_code;

  /// A chunk's size and extensions, or the trailer, on the wire.
  static constexpr std::size_t kMaxChunkHeadBytes = 4'096;
  static constexpr std::size_t kMaxChunkExtensionBytes = 1'024;
  /// The shortest rest of a chunked message, "0 CR LF CR LF"; Beast is not asked with less.
  static constexpr std::size_t kMinChunkedRest = 5;

  void on_request_impl(Verb, View, View, int, Code& code) override { code = {}; }
  void on_response_impl(int, View, int, Code& code) override { code = {}; }
  void on_field_impl(Field, View, View, Code& code) override { code = {}; }
  void on_header_impl(Code& code) override { code = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& size, Code& code) override;
  std::size_t on_body_impl(View bytes, Code& code) override;
  void on_chunk_header_impl(std::uint64_t size, View extension, Code& code) override;
  std::size_t on_chunk_body_impl(std::uint64_t rest, View bytes, Code& code) override;
  void on_finish_impl(Code& code) override { code = {}; }

  std::string& body_;
  bool chunked_ = false;
};

}  // namespace dropline::http
