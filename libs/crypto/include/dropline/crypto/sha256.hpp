#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dropline::crypto {

using Digest = std::array<std::uint8_t, 32>;

/// The bytes of a digest, key or signature as a view, for functions that take bytes as text. Lives
/// as long as what it shows.
template <std::size_t N>
[[nodiscard]] std::string_view bytes_of(const std::array<std::uint8_t, N>& array) noexcept {
  return {reinterpret_cast<const char*>(array.data()), N};
}

/// SHA-256 (FIPS 180-4) of one piece.
[[nodiscard]] Digest sha256(std::string_view bytes) noexcept;

/// SHA-256 of pieces as they come. A value: copying it forks the computation, so that a common
/// beginning is hashed once. One thread at a time.
class Sha256 final {
 public:
  Sha256() noexcept;
  Sha256& update(std::string_view bytes) noexcept;
  Sha256& update(std::span<const std::uint8_t> bytes) noexcept;
  Sha256& update(std::uint8_t byte) noexcept { return update(std::span(&byte, 1)); }
  /// The digest of all pieces. Call it once; the object is spent afterwards.
  [[nodiscard]] Digest finish() noexcept;

 private:
  static constexpr std::size_t kStateBytes = 104;
  alignas(8) std::array<std::uint8_t, kStateBytes> state_;
};

}  // namespace dropline::crypto
