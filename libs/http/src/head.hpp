#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "dropline/http/observer.hpp"
#include "dropline/http/request.hpp"

namespace dropline::http {

struct HeadLimits {
  std::size_t max_request_line_bytes;
  std::size_t max_head_bytes;
  std::size_t max_header_count;
};

/// Why a head is turned down; the connection is closed after the answer.
struct HeadFault {
  int status;
  Refusal refusal;
  std::string_view detail;  ///< static
};

/// Finds the end of a head while its bytes arrive, and turns down at the first byte what can no
/// longer become one: no waiting for a deadline. Looks at each byte once.
class HeadScanner final {
 public:
  enum class State { more, complete, bad };

  explicit HeadScanner(const HeadLimits& limits) noexcept : limits_(limits) {}

  /// `buffered` begins with the head's first byte and only grows between calls.
  [[nodiscard]] State scan(std::string_view buffered) noexcept;
  /// With the empty line; after `complete`.
  [[nodiscard]] std::size_t head_size() const noexcept { return at_; }
  /// After `bad`.
  [[nodiscard]] const HeadFault& fault() const noexcept { return fault_; }
  void reset() noexcept;

 private:
  State bad(int status, Refusal refusal, std::string_view detail) noexcept;

  HeadLimits limits_;
  HeadFault fault_{};
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;
};

/// A head as the strict reader understands it. Views and spans point into the text given.
struct Head {
  Method method = Method::get;
  int minor_version = 1;
  std::string_view target;
  std::vector<Request::Parts::Span> headers;
  std::string_view host;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
};

/// Reads a whole head (what HeadScanner found). Everything that two readers could understand
/// differently is turned down: see README.md for the list.
[[nodiscard]] std::variant<Head, HeadFault> parse_head(std::string_view text);

}  // namespace dropline::http
