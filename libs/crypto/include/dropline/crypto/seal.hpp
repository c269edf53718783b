#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/base/random.hpp"

namespace dropline::crypto {

/// Keeps personal data out of topics, logs and backups: what is sealed is readable only with its
/// key, and destroying the key erases every copy.
///
/// Text, version 1: `s1.<key id>.<base64url(nonce[24] | ciphertext | tag[16])>`, by
/// XChaCha20-Poly1305 (IETF). The additional data that is authenticated is
/// `"dropline seal 1" 0x00 <key id> 0x00 <purpose>`.

/// A sealing key with the name it goes by in sealed texts. Wiped on destruction; any thread.
class SealKey final {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kMaxIdLength = 64;

  /// An id is 1 to 64 of A-Z a-z 0-9 _ - ; nullopt for anything else.
  [[nodiscard]] static std::optional<SealKey> make(std::string_view id,
                                                   std::span<const std::uint8_t, kBytes> secret);
  SealKey(const SealKey&) = default;
  SealKey& operator=(const SealKey&) = default;
  SealKey(SealKey&&) noexcept = default;
  SealKey& operator=(SealKey&&) noexcept = default;
  ~SealKey();

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const std::array<std::uint8_t, kBytes>& secret() const noexcept { return secret_; }

 private:
  SealKey() = default;
  std::string id_;
  std::array<std::uint8_t, kBytes> secret_{};
};

/// Longest plaintext that can be sealed or opened.
inline constexpr std::size_t kMaxSealedPlaintext = 16 * 1024;

/// Seals. `purpose` binds the text to its place (such as the order's id), so that it cannot be
/// moved to another; it must be given again to open it. Errc::too_large beyond the bound.
[[nodiscard]] Result<std::string> seal(const SealKey& key, std::string_view plaintext,
                                       std::string_view purpose, Random& random);

/// Opens. Errc::bad_format, unknown_key (another key's id), not_authentic, too_large.
[[nodiscard]] Result<std::string> open(const SealKey& key, std::string_view sealed,
                                       std::string_view purpose);

/// The id of the key needed, without opening; nullopt when it is not a sealed text at all. A view
/// into `sealed`.
[[nodiscard]] std::optional<std::string_view> sealed_with(std::string_view sealed) noexcept;

}  // namespace dropline::crypto
