#include "dropline/contracts/body_hash.hpp"

#include <algorithm>

#include "dropline/contracts/order_id.hpp"

namespace dropline::contracts {
namespace {

constexpr std::string_view kBodyDomain("dropline body 1\0", 16);
constexpr std::string_view kRecipientDomain("dropline recipient 1\0", 21);

class Layout final {
 public:
  Layout& bytes(std::string_view bytes) {
    hash_.update(bytes);
    return *this;
  }
  Layout& uuid(const Uuid& uuid) {
    hash_.update(uuid.bytes);
    return *this;
  }
  Layout& flag(bool given) {
    hash_.update(static_cast<std::uint8_t>(given));
    return *this;
  }
  template <class T>
  Layout& number(T value) {
    std::array<std::uint8_t, sizeof(T)> big_endian;
    auto rest = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = sizeof(T); i-- > 0; rest = static_cast<decltype(rest)>(rest >> 8))
      big_endian[i] = static_cast<std::uint8_t>(rest);
    hash_.update(big_endian);
    return *this;
  }
  Layout& short_text(std::string_view text) {
    hash_.update(static_cast<std::uint8_t>(text.size())).update(text);
    return *this;
  }
  [[nodiscard]] crypto::Digest finish() { return hash_.finish(); }

 private:
  crypto::Sha256 hash_;
};

}  // namespace

crypto::Digest body_hash(const PlaceOrder& command) {
  std::vector<const OrderLine*> lines;
  lines.reserve(command.lines.size());
  for (const auto& line : command.lines)
    lines.push_back(&line);
  std::ranges::sort(lines, {}, [](const OrderLine* line) -> const Sku& { return line->sku; });

  Layout layout;
  layout.bytes(kBodyDomain).uuid(command.member.uuid());
  layout.flag(command.drop.has_value());
  if (command.drop) layout.uuid(command.drop->uuid());
  layout.number(static_cast<std::uint32_t>(lines.size()));
  for (const auto* line : lines)
    layout.short_text(line->sku.text()).number(static_cast<std::uint32_t>(line->quantity));
  layout.short_text(to_text(command.payment.method));
  layout.flag(command.coupon.has_value());
  if (command.coupon) layout.uuid(command.coupon->uuid());
  layout.flag(command.expected_total.has_value());
  if (command.expected_total)
    layout.bytes(command.expected_total->currency.text()).number(command.expected_total->minor);
  layout.flag(command.delivery.has_value());
  if (command.delivery) layout.bytes(crypto::bytes_of(command.delivery->digest));
  return layout.finish();
}

crypto::Digest recipient_digest(const crypto::HmacKey& secret, const MemberId& member,
                                std::string_view plaintext) noexcept {
  return secret.mac({kRecipientDomain, crypto::bytes_of(member.uuid().bytes), plaintext});
}

Status verify_place_order(const PlaceOrder& command) {
  if (!valid_idempotency_key(command.idempotency_key))
    return error(Errc::bad_value,
                 "/idempotency_key must be 1 to 128 visible ASCII characters without \" and \\");
  const auto id = make_order_id(command.member, command.drop, command.idempotency_key);
  if (id != command.order_id)
    return error(Errc::wrong_order_id,
                 "/order_id is not the one that member, drop and idempotency_key give");
  if (command.body_hash && *command.body_hash != body_hash(command))
    return error(Errc::wrong_body_hash, "/body_hash is not that of the command");
  return {};
}

}  // namespace dropline::contracts
