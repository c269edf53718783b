#pragma once

#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::contracts {

/// What tells a retry from another order under the same key: SHA-256 over what was asked, in one
/// canonical form that owes nothing to JSON. Integers are big-endian:
///
///   "dropline body 1" 0x00                      16 bytes
///   member                                      16 bytes
///   0x00, or 0x01 and the drop                  1 or 17
///   number of lines                             4
///   each line, sorted by the SKU's bytes:       length of SKU (1), SKU, quantity (4)
///   payment method, as its JSON text            length (1), text
///   0x00, or 0x01 and the coupon                1 or 17
///   0x00, or 0x01, currency (3), amount (8, two's complement): expected_total
///   0x00, or 0x01 and delivery.digest           1 or 33
///
/// Order id and idempotency key are not in it: they name the attempt. Neither is the sealed
/// recipient: sealing the same address twice gives two texts. A later field is appended only where
/// it is given, so that the hashes of orders without it stay.
[[nodiscard]] crypto::Digest body_hash(const PlaceOrder& command);

/// `delivery.digest`: HMAC-SHA256 with a secret of the shop over `"dropline recipient 1" 0x00`, the
/// member's 16 bytes and the plaintext. Keyed, because addresses can be guessed; bound to the
/// member, so that two members at one address do not show.
[[nodiscard]] crypto::Digest recipient_digest(const crypto::HmacKey& secret, const MemberId& member,
                                              std::string_view plaintext) noexcept;

/// What stock checks again, because integrators write to topics directly: the order's id is the one
/// that member, drop and key give (Errc::wrong_order_id), and `body_hash`, where given, is the
/// command's (Errc::wrong_body_hash).
[[nodiscard]] Status verify_place_order(const PlaceOrder& command);

}  // namespace dropline::contracts
