#include "dropline/shop/receipt.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/crypto/base64url.hpp"

namespace dropline::shop {
namespace {

constexpr std::string_view kLeafLabel{"dropline receipt 1\0", 19};
constexpr std::string_view kRootLabel{"dropline receipts 1\0", 20};

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xFF);
}

template <class Bytes>
void put_bytes(std::string& out, const Bytes& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string signed_text(const crypto::Digest& root) {
  std::string text(kRootLabel);
  put_bytes(text, root);
  return text;
}

/// A receipt as it travels.
struct ReceiptText {
  OrderId order;
  std::optional<DropId> drop;
  std::int32_t partition = 0;
  std::optional<std::int64_t> offset;
  crypto::Digest command_hash{};
  Timestamp time;
  std::int64_t leaf = 0;
  std::int64_t leaves = 0;
  std::vector<crypto::Digest> path;
  crypto::Digest root{};
  std::string key_id;
  std::string signature;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order);
    visit("drop", self.drop);
    visit("partition", self.partition, contracts::kPartitionBounds);
    visit("offset", self.offset, contracts::kOffsetBounds);
    visit("command_hash", self.command_hash);
    visit("time", self.time);
    visit("leaf", self.leaf, contracts::kOffsetBounds);
    visit("leaves", self.leaves, contracts::Bounds{1, contracts::kMaxExact});
    visit("path", self.path, contracts::Bounds{0, 64});
    visit("root", self.root);
    visit("key_id", self.key_id, contracts::kNameBounds);
    visit("signature", self.signature, contracts::Bounds{1, 100});
  }
};

}  // namespace

std::string Arrival::bytes() const {
  std::string out(kLeafLabel);
  put_bytes(out, order.uuid().bytes);
  out += drop ? '\1' : '\0';
  if (drop) put_bytes(out, drop->uuid().bytes);
  put_number(out, static_cast<std::uint64_t>(partition), 4);
  put_number(out, static_cast<std::uint64_t>(offset.value_or(-1)), 8);
  put_bytes(out, command_hash);
  put_number(out, static_cast<std::uint64_t>(unix_ms(time)), 8);
  return out;
}

ReceiptBatch::ReceiptBatch(std::vector<Arrival> arrivals, const crypto::SecretKey& key,
                           std::string key_id)
    : arrivals_(std::move(arrivals)),
      tree_([this] {
        std::vector<crypto::Digest> leaves;
        leaves.reserve(arrivals_.size());
        for (const auto& arrival : arrivals_)
          leaves.push_back(crypto::merkle_leaf(arrival.bytes()));
        return leaves;
      }()),
      signature_(key.sign(signed_text(tree_.root()))),
      key_id_(std::move(key_id)) {}

void ReceiptBatch::write(contracts::JsonWriter& out, std::size_t index) const {
  const auto& arrival = arrivals_.at(index);
  auto proof = tree_.prove(index);
  ensure(proof.has_value(), "a leaf of the batch has a proof");
  ReceiptText text;
  text.order = arrival.order;
  text.drop = arrival.drop;
  text.partition = arrival.partition;
  text.offset = arrival.offset;
  text.command_hash = arrival.command_hash;
  text.time = arrival.time;
  text.leaf = static_cast<std::int64_t>(index);
  text.leaves = static_cast<std::int64_t>(tree_.size());
  text.path = std::move(proof->path);
  text.root = tree_.root();
  text.key_id = key_id_;
  text.signature = crypto::base64url_encode(signature_);
  contracts::codec::write_any(out, text);
}

Result<Arrival> verify_receipt(std::string_view json, const crypto::PublicKey& key) {
  auto text = contracts::decode<ReceiptText>(json);
  if (!text) return text.error();
  Arrival arrival{text->order,  text->drop,         text->partition,
                  text->offset, text->command_hash, text->time};
  const crypto::InclusionProof proof{static_cast<std::uint64_t>(text->leaf),
                                     static_cast<std::uint64_t>(text->leaves), text->path};
  if (!crypto::verify_inclusion(crypto::merkle_leaf(arrival.bytes()), proof, text->root))
    return contracts::error(contracts::Errc::contradiction,
                            "the receipt's path does not lead from its content to its root");
  const auto signature = crypto::parse_signature(text->signature);
  if (!signature || !key.verify(signed_text(text->root), *signature))
    return contracts::error(contracts::Errc::forbidden,
                            "the receipt's root is not signed by this key");
  return arrival;
}

}  // namespace dropline::shop
