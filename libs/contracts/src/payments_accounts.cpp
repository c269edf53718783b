#include "dropline/contracts/payments_accounts.hpp"

#include <algorithm>
#include <cctype>

#include "dropline/contracts/payments_outside.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::contracts {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPurpose = "bank account";
constexpr std::string_view kOrder = "order.";
constexpr std::string_view kCharge = "charge.";
constexpr std::size_t kIdLength = 36;
constexpr std::size_t kIdsLength = 2 * kIdLength + 1;

template <class T>
std::optional<Reference> parse_ids(std::string_view text) {
  if (text.size() < kIdsLength || text[kIdLength] != '.') return std::nullopt;
  const auto member = MemberId::parse(text.substr(0, kIdLength));
  const auto what = T::parse(text.substr(kIdLength + 1, kIdLength));
  if (!member || !what) return std::nullopt;
  return Reference{*member, *what};
}

Status check_either(const std::optional<OrderId>& order, const std::optional<ChargeId>& charge) {
  if (order.has_value() != charge.has_value()) return {};
  return error(Errc::contradiction, "must give exactly one of order_id and charge");
}

std::string in_small_letters(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return out;
}

}  // namespace

Result<SealedText> seal_account(const crypto::SealKey& key, const crypto::HmacKey& digests,
                                const BankAccount& account, Random& random) {
  const auto plain = encode(account);
  auto sealed = crypto::seal(key, plain, kPurpose, random);
  if (!sealed) return sealed.error();
  return SealedText{std::move(*sealed), digests.mac({"dropline account 1\0"sv, plain})};
}

Result<BankAccount> open_account(const crypto::SealKey& key, const SealedText& account) {
  const auto plain = crypto::open(key, account.sealed, kPurpose);
  if (!plain) return plain.error();
  return decode<BankAccount>(*plain);
}

std::string to_text(const Reference& reference) {
  return std::visit(
      [&]<class T>(const T& what) {
        const auto kind = std::same_as<T, OrderId> ? kOrder : kCharge;
        return std::string(kind) + reference.member.text() + '.' + what.text();
      },
      reference.what);
}

std::optional<Reference> parse_reference(std::string_view text) {
  if (text.starts_with(kOrder) && text.size() == kOrder.size() + kIdsLength)
    return parse_ids<OrderId>(text.substr(kOrder.size()));
  if (text.starts_with(kCharge) && text.size() == kCharge.size() + kIdsLength)
    return parse_ids<ChargeId>(text.substr(kCharge.size()));
  return std::nullopt;
}

std::optional<Reference> find_reference(std::string_view text) {
  const auto small = in_small_letters(text);
  const std::string_view all(small);
  for (std::size_t at = 0; at < all.size(); ++at) {
    const auto rest = all.substr(at);
    std::optional<Reference> found;
    if (rest.starts_with(kOrder)) found = parse_ids<OrderId>(rest.substr(kOrder.size()));
    if (rest.starts_with(kCharge)) found = parse_ids<ChargeId>(rest.substr(kCharge.size()));
    if (found) return found;
  }
  return std::nullopt;
}

Uuid derived_id(std::string_view what, std::initializer_list<std::string_view> parts) {
  crypto::Sha256 hash;
  hash.update(what).update(std::uint8_t{0});
  for (const auto part : parts)
    hash.update(part).update(std::uint8_t{0});
  const auto digest = hash.finish();
  Uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

DepositId deposit_id(std::string_view transaction) {
  return DepositId(derived_id("dropline deposit 1", {transaction}));
}

Status GatewayNoticed::check() const {
  return check_either(order_id, charge);
}

Status CreditDeposit::check() const {
  return check_either(order_id, charge);
}

Status GatewayAnswered::check() const {
  if (money_return && !(order_id && charge)) return {};
  if (order_id.has_value() != charge.has_value()) return {};
  return error(Errc::contradiction, "must give order_id or charge, not both, or return");
}

Status BankDeposited::check() const {
  if (deposit == deposit_id(transaction)) return {};
  return error(Errc::contradiction, "deposit: must be " + deposit_id(transaction).text() +
                                        ", which follows from "
                                        "transaction");
}

Status DepositTaken::check() const {
  if (auto status = check_either(order_id, charge); !status) return status;
  const bool fits = taken.currency == amount.currency && taken.minor <= amount.minor &&
                    reason.has_value() == (taken.minor < amount.minor);
  if (fits) return {};
  return error(Errc::contradiction, "taken: no more than amount, and with a reason where less");
}

}  // namespace dropline::contracts
