#include "utf8.hpp"

#include <cstdint>
#include <cstring>

namespace dropline::store {
namespace {

/// Eight bytes that are all ASCII and none of them NUL.
bool plain_ascii(const char* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  return ((word | (word - kOnes)) & kHigh) == 0;
}

/// Length of the sequence at the start, 0 where it is malformed.
std::size_t sequence(const std::uint8_t* at, std::size_t left) noexcept {
  const auto continues = [&](std::size_t i) { return (at[i] & 0xC0) == 0x80; };
  const std::uint8_t lead = at[0];
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return left >= 2 && continues(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (left < 3 || !continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && at[1] < 0xA0) return 0;
    if (lead == 0xED && at[1] > 0x9F) return 0;
    return 3;
  }
  if (lead > 0xF4 || left < 4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (lead == 0xF0 && at[1] < 0x90) return 0;
  if (lead == 0xF4 && at[1] > 0x8F) return 0;
  return 4;
}

}  // namespace

bool is_plain_text(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && plain_ascii(text.data() + at)) {
      at += 8;
      continue;
    }
    const std::size_t step =
        sequence(reinterpret_cast<const std::uint8_t*>(text.data()) + at, text.size() - at);
    if (step == 0) return false;
    at += step;
  }
  return true;
}

}  // namespace dropline::store
