#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dropline/base/ids.hpp"
#include "dropline/base/time.hpp"
#include "dropline/contracts/json.hpp"
#include "dropline/crypto/ed25519.hpp"
#include "dropline/crypto/merkle.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::shop {

/// What an ingress promises when the log has taken an order: this command stands at this place.
struct Arrival {
  OrderId order;
  std::optional<DropId> drop;
  std::int32_t partition = 0;
  std::optional<std::int64_t> offset;  ///< absent where the log's answer did not tell it
  crypto::Digest command_hash{};       ///< contracts::body_hash of the command
  Timestamp time;                      ///< when the ingress heard of it

  /// The bytes that are signed, big-endian:
  ///   "dropline receipt 1" 0x00 | order (16) | 0x00, or 0x01 and the drop (16) | partition (4)
  ///   | offset (8, two's complement; -1: unknown) | command hash (32) | time in Unix ms (8)
  [[nodiscard]] std::string bytes() const;
};

/// The arrivals of one acknowledgement batch under one signature: an Ed25519 signature over
/// "dropline receipts 1" 0x00 and the root of the Merkle tree (RFC 6962) whose leaves they are.
/// Immutable; any thread.
class ReceiptBatch final {
 public:
  ReceiptBatch(std::vector<Arrival> arrivals, const crypto::SecretKey& key, std::string key_id);

  /// Writes arrival `index` with its proof as a JSON object; verify_receipt() reads it.
  void write(contracts::JsonWriter& out, std::size_t index) const;

 private:
  std::vector<Arrival> arrivals_;
  crypto::MerkleTree tree_;
  crypto::Signature signature_;
  std::string key_id_;
};

/// Checks a receipt's JSON against the shop's public key: proof and signature.
[[nodiscard]] Result<Arrival> verify_receipt(std::string_view json, const crypto::PublicKey& key);

}  // namespace dropline::shop
