#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dropline/crypto/sha256.hpp"

namespace dropline::crypto {

/// Merkle trees as RFC 6962 §2.1 (and RFC 9162) defines them: a leaf is SHA-256(0x00 | entry), a
/// node SHA-256(0x01 | left | right), the left part of n leaves is the largest power of two below
/// n, and the root of nothing is SHA-256 of nothing. Leaves and nodes cannot be taken for one
/// another.
[[nodiscard]] Digest merkle_leaf(std::string_view entry) noexcept;

/// Says that the leaf `index` of `size` is under a root; `path` goes from the leaf up.
struct InclusionProof {
  std::uint64_t index = 0;
  std::uint64_t size = 0;
  std::vector<Digest> path;

  bool operator==(const InclusionProof&) const = default;
};

/// False for any proof that is too long, too short, or out of range.
[[nodiscard]] bool verify_inclusion(const Digest& leaf, const InclusionProof& proof,
                                    const Digest& root) noexcept;

/// The tree over one batch of leaves; keeps every level (twice the leaves), so that a proof costs
/// no hashing. A value; reading it is safe from any thread.
class MerkleTree final {
 public:
  explicit MerkleTree(std::vector<Digest> leaves);

  [[nodiscard]] std::uint64_t size() const noexcept { return levels_.front().size(); }
  [[nodiscard]] const Digest& root() const noexcept { return root_; }
  /// nullopt where there is no such leaf.
  [[nodiscard]] std::optional<InclusionProof> prove(std::uint64_t index) const;

 private:
  std::vector<std::vector<Digest>> levels_;
  Digest root_;
};

}  // namespace dropline::crypto
