#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/base/time.hpp"

namespace dropline::contracts {

/// What a caller names an attempt by: 1 to 128 visible ASCII characters, without `"` and `\`.
/// Compared byte by byte. (A caller may send it in quotes, as the header's draft standard has it;
/// the ingress takes them off.)
[[nodiscard]] bool valid_idempotency_key(std::string_view key) noexcept;

/// The order's id: a UUID of version 8 that follows from member, drop and key alone, so a retry is
/// the same order through any ingress, after any crash. Byte by byte, for a second implementation:
///
///   h = SHA-256( "dropline order 1" 0x00          17 bytes
///                | member                          16 bytes, the UUID's
///                | 0x00, or 0x01 and the drop      1 or 17 bytes
///                | key                             its ASCII bytes, to the end )
///   where the key is a UUID of version 7 in its 36-character form (either case, variant 10):
///       id = the key's bytes 0 to 5 | h[0..9]      so that ids sort by the caller's time
///   else
///       id = h[0..15]
///   then the version nibble becomes 8 (id[6] = id[6] & 0x0F | 0x80)
///   and the variant bits 10 (id[8] = id[8] & 0x3F | 0x80).
[[nodiscard]] OrderId make_order_id(const MemberId& member, const std::optional<DropId>& drop,
                                    std::string_view key) noexcept;

/// The time in a key that is a UUID of version 7; absent for other keys.
[[nodiscard]] std::optional<Timestamp> key_time(std::string_view key) noexcept;

/// How far ahead a key's time may be before an ingress refuses it: ids far in the future would sit
/// at the end of every index for ever.
inline constexpr std::chrono::hours kMaxKeyAhead{24};
[[nodiscard]] bool key_too_far_ahead(std::string_view key, Timestamp now) noexcept;

}  // namespace dropline::contracts
