#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dropline/base/random.hpp"

namespace dropline::crypto {

using Signature = std::array<std::uint8_t, 64>;

/// 64 bytes as base64url; nullopt for anything else.
[[nodiscard]] std::optional<Signature> parse_signature(std::string_view text) noexcept;

/// The public half of an Ed25519 key (RFC 8032). A value; any thread.
class PublicKey final {
 public:
  static constexpr std::size_t kBytes = 32;
  using Bytes = std::array<std::uint8_t, kBytes>;

  explicit PublicKey(const Bytes& bytes) noexcept : bytes_(bytes) {}
  /// 32 bytes as base64url (the `x` of an OKP JSON Web Key); nullopt for anything else.
  [[nodiscard]] static std::optional<PublicKey> parse(std::string_view text) noexcept;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

  /// False also for keys of small order and signatures in non-canonical form, which RFC 8032 lets a
  /// verifier accept: a signature of ours has one form only. About 60 µs.
  [[nodiscard]] bool verify(std::string_view message, const Signature& signature) const noexcept;

  auto operator<=>(const PublicKey&) const = default;

 private:
  Bytes bytes_;
};

/// The secret half; holds the public half too. Wiped on destruction; any thread.
class SecretKey final {
 public:
  static constexpr std::size_t kSeedBytes = 32;
  using Seed = std::array<std::uint8_t, kSeedBytes>;

  [[nodiscard]] static SecretKey from_seed(std::span<const std::uint8_t, kSeedBytes> seed) noexcept;
  [[nodiscard]] static SecretKey generate(Random& random);
  /// The seed as base64url (the `d` of an OKP JSON Web Key); nullopt for anything else.
  [[nodiscard]] static std::optional<SecretKey> parse(std::string_view text) noexcept;

  SecretKey(const SecretKey&) noexcept = default;
  SecretKey& operator=(const SecretKey&) noexcept = default;
  ~SecretKey();

  [[nodiscard]] PublicKey public_key() const noexcept;
  /// Deterministic: the same message gives the same signature. About 30 µs.
  [[nodiscard]] Signature sign(std::string_view message) const noexcept;
  /// The secret itself, for writing a key file.
  [[nodiscard]] std::string text() const;

 private:
  SecretKey() noexcept = default;
  std::array<std::uint8_t, 64> bytes_{};
};

}  // namespace dropline::crypto
