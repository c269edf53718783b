#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/crypto/hmac.hpp"

namespace dropline::contracts {

/// Signs the commands that only services and operators may give, and tells theirs from forged ones.
///
/// Header `dropline-signature`: `h1.<key id>.<64 hex digits>`, the HMAC-SHA256 of
/// `"dropline command 1" 0x00` and then, each as its length (4 bytes, big-endian) and its bytes:
/// ce_type, ce_id, ce_source, ce_subject (may be empty), the record's key, SHA-256(body). The body
/// is the JSON text as it stands in the record (of a structured event, the text of `data`).
///
/// A signature says who made a command, not that it is new: a copy of a record carries a good one.
/// What a command changes is therefore applied once for each id in it (`change`, `refund`, …).
///
/// A value, fixed after start; any number of threads may use it.
class CommandKeys final {
 public:
  static constexpr std::size_t kMaxKeys = 8;
  static constexpr std::size_t kMinSecretBytes = 16;
  static constexpr std::size_t kMaxIdLength = 32;

  /// Adds a key that is accepted; the first one added also signs. Errc::bad_value where the id is
  /// not 1 to 32 of a-z 0-9 _ -, is taken, or the secret is short; Errc::out_of_range beyond
  /// kMaxKeys.
  Status add(std::string_view id, std::string_view secret);

  [[nodiscard]] bool can_sign() const noexcept { return !signing_.empty(); }
  /// The header's value. Needs a key (ensured).
  [[nodiscard]] std::string sign(const Attributes& attributes, std::string_view key,
                                 std::string_view body) const;
  /// Errc::forbidden, with the reason told, unless the envelope carries a good signature.
  [[nodiscard]] Status verify(const Envelope& envelope, std::string_view key) const;

 private:
  std::map<std::string, crypto::HmacKey, std::less<>> keys_;
  std::string signing_;
};

}  // namespace dropline::contracts
