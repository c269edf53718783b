#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "dropline/crypto/sha256.hpp"

namespace dropline::crypto {

/// True when both are the same; takes the same time wherever they differ. For anything an attacker
/// may guess at byte by byte.
[[nodiscard]] bool equal(const Digest& a, const Digest& b) noexcept;

/// A secret for HMAC-SHA256 (RFC 2104) of any length, its inner and outer blocks hashed once, so
/// that a short message costs two blocks instead of four. Wiped on destruction; any number of
/// threads may use one object.
class HmacKey final {
 public:
  explicit HmacKey(std::string_view secret) noexcept;
  HmacKey(const HmacKey&) noexcept = default;
  HmacKey& operator=(const HmacKey&) noexcept = default;
  ~HmacKey();

  [[nodiscard]] Digest mac(std::string_view message) const noexcept { return mac({message}); }
  /// Of the pieces as if they were one; what separates them is the caller's business.
  [[nodiscard]] Digest mac(std::initializer_list<std::string_view> pieces) const noexcept;
  [[nodiscard]] bool verify(std::string_view message, const Digest& mac) const noexcept;

 private:
  static constexpr std::size_t kStateBytes = 208;
  alignas(8) std::array<std::uint8_t, kStateBytes> state_;
};

/// For a secret that is used once.
[[nodiscard]] Digest hmac_sha256(std::string_view secret, std::string_view message) noexcept;

}  // namespace dropline::crypto
