#include "dropline/crypto/merkle.hpp"

namespace dropline::crypto {
namespace {

constexpr std::uint8_t kLeaf = 0x00;
constexpr std::uint8_t kNode = 0x01;

Digest join(const Digest& left, const Digest& right) noexcept {
  return Sha256().update(kNode).update(left).update(right).finish();
}

}  // namespace

Digest merkle_leaf(std::string_view entry) noexcept {
  return Sha256().update(kLeaf).update(entry).finish();
}

bool verify_inclusion(const Digest& leaf, const InclusionProof& proof,
                      const Digest& root) noexcept {
  if (proof.index >= proof.size) return false;
  std::uint64_t at = proof.index;
  std::uint64_t last = proof.size - 1;
  Digest hash = leaf;
  for (const auto& sibling : proof.path) {
    if (last == 0) return false;
    if (at % 2 == 1 || at == last) {
      hash = join(sibling, hash);
      // A last node without a sibling moves up unchanged until it has one on its left.
      for (; at % 2 == 0 && at != 0; at /= 2)
        last /= 2;
    } else {
      hash = join(hash, sibling);
    }
    at /= 2;
    last /= 2;
  }
  return last == 0 && hash == root;
}

MerkleTree::MerkleTree(std::vector<Digest> leaves) {
  levels_.push_back(std::move(leaves));
  if (levels_.front().empty()) {
    root_ = sha256({});
    return;
  }
  while (levels_.back().size() > 1) {
    const auto& below = levels_.back();
    std::vector<Digest> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2)
      level.push_back(join(below[i], below[i + 1]));
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
  root_ = levels_.back().front();
}

std::optional<InclusionProof> MerkleTree::prove(std::uint64_t index) const {
  if (index >= size()) return std::nullopt;
  InclusionProof proof{index, size(), {}};
  for (const auto& level : levels_) {
    const auto sibling = index ^ 1;
    if (sibling < level.size()) proof.path.push_back(level[sibling]);
    index /= 2;
  }
  return proof;
}

}  // namespace dropline::crypto
