#include "dropline/crypto/merkle.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>

#include "dropline/crypto/hex.hpp"

using namespace dropline::crypto;

namespace {

/// The tree as RFC 6962 §2.1 words it, to hold the other against.
Digest by_definition(std::span<const Digest> leaves) {
  if (leaves.empty()) return sha256("");
  if (leaves.size() == 1) return leaves[0];
  std::size_t half = 1;
  while (half * 2 < leaves.size())
    half *= 2;
  return Sha256()
      .update(std::uint8_t{1})
      .update(by_definition(leaves.first(half)))
      .update(by_definition(leaves.subspan(half)))
      .finish();
}

std::vector<Digest> some_leaves(std::size_t count) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < count; ++i)
    leaves.push_back(merkle_leaf(std::to_string(i)));
  return leaves;
}

}  // namespace

TEST_CASE("roots are those of the published certificate transparency vectors") {
  const char* entries[] = {"",
                           "00",
                           "10",
                           "2021",
                           "3031",
                           "40414243",
                           "5051525354555657",
                           "606162636465666768696a6b6c6d6e6f"};
  const char* roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < std::size(entries); ++i) {
    leaves.push_back(merkle_leaf(*hex_decode(entries[i])));
    CHECK(hex_encode(MerkleTree(leaves).root()) == roots[i]);
  }
  CHECK(MerkleTree({}).root() == sha256(""));
}

TEST_CASE("every leaf of trees of every size up to 130 is proved, and only where it is") {
  for (std::size_t size = 1; size <= 130; ++size) {
    const auto leaves = some_leaves(size);
    const MerkleTree tree(leaves);
    REQUIRE(tree.root() == by_definition(leaves));
    for (std::size_t i = 0; i < size; ++i) {
      const auto proof = tree.prove(i);
      REQUIRE(proof);
      REQUIRE(verify_inclusion(leaves[i], *proof, tree.root()));
      REQUIRE_FALSE(verify_inclusion(merkle_leaf("another"), *proof, tree.root()));
      auto moved = *proof;
      moved.index = (i + 1) % size;
      if (size > 1) REQUIRE_FALSE(verify_inclusion(leaves[i], moved, tree.root()));
    }
    CHECK_FALSE(tree.prove(size));
  }
}

TEST_CASE("proofs that are cut, lengthened, altered or out of range fail") {
  const auto leaves = some_leaves(11);
  const MerkleTree tree(leaves);
  const auto good = *tree.prove(6);
  auto proof = good;
  proof.path.pop_back();
  CHECK_FALSE(verify_inclusion(leaves[6], proof, tree.root()));
  proof = good;
  proof.path.push_back(proof.path[0]);
  CHECK_FALSE(verify_inclusion(leaves[6], proof, tree.root()));
  proof = good;
  proof.path[1][0] ^= 1;
  CHECK_FALSE(verify_inclusion(leaves[6], proof, tree.root()));
  proof = good;
  proof.index = 11;
  CHECK_FALSE(verify_inclusion(leaves[6], proof, tree.root()));
  CHECK_FALSE(verify_inclusion(leaves[6], {0, 0, {}}, tree.root()));
  CHECK_FALSE(verify_inclusion(leaves[6], {UINT64_MAX - 1, UINT64_MAX, good.path}, tree.root()));
}

TEST_CASE("an inner node is not taken for a leaf") {
  const auto leaves = some_leaves(4);
  const MerkleTree tree(leaves);
  const auto right = by_definition(std::span(leaves).subspan(2));
  std::string entry(bytes_of(leaves[0]));
  entry += bytes_of(leaves[1]);
  CHECK_FALSE(verify_inclusion(merkle_leaf(entry), {0, 2, {right}}, tree.root()));
}
