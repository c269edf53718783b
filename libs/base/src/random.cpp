#include "dropline/base/random.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dropline/base/ensure.hpp"

namespace dropline {

std::uint64_t Random::next() {
  std::array<std::uint8_t, 8> bytes;
  fill(bytes);
  std::uint64_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  ensure(bound > 0, "below() needs a positive bound");
  // Values of the last, partial range would make small numbers likelier.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = next();
  while (value >= limit)
    value = next();
  return value % bound;
}

Uuid Random::uuid4() {
  Uuid id;
  fill(id.bytes);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x40);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

Uuid Random::uuid7(Timestamp at) {
  Uuid id = uuid4();
  auto ms = static_cast<std::uint64_t>(unix_ms(at));
  for (std::size_t i = 6; i-- > 0; ms >>= 8)
    id.bytes[i] = static_cast<std::uint8_t>(ms);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x70);
  return id;
}

namespace {

void ask_kernel(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    ensure(got > 0, "the kernel gives random bytes");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

/// Bytes fetched ahead, for ids are made by the thousand and a call of the kernel for each costs
/// more than all else about them. What was handed out is wiped.
struct Stock {
  std::array<std::uint8_t, 1024> bytes;
  std::size_t used = sizeof bytes;
};

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> bytes) {
  thread_local Stock stock;
  constexpr std::size_t kMost = 64;  // keys and the like come fresh from the kernel
  if (bytes.size() > kMost || bytes.empty()) return ask_kernel(bytes);
  if (stock.used + bytes.size() > stock.bytes.size()) {
    ask_kernel(stock.bytes);
    stock.used = 0;
  }
  const auto taken = std::span(stock.bytes).subspan(stock.used, bytes.size());
  std::memcpy(bytes.data(), taken.data(), taken.size());
  std::memset(taken.data(), 0, taken.size());
  stock.used += taken.size();
}

void SeededRandom::fill(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    const auto count = std::min<std::size_t>(sizeof z, bytes.size());
    std::memcpy(bytes.data(), &z, count);
    bytes = bytes.subspan(count);
  }
}

}  // namespace dropline
