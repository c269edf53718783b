#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "dropline/base/random.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/crypto/seal.hpp"

/// What money is named and sent by outside: references and bank accounts.
namespace dropline::contracts {

/// A bank's transaction, as a name: every notice of it has the same.
using DepositId = Id<struct DepositTag>;
/// Money that goes back to where it came from, or to an account.
using ReturnId = Id<struct ReturnTag>;

inline constexpr Bounds kReferenceBounds{1, 200};

/// An account at a bank. The shop's own is public; a payer's enters a topic only sealed.
struct BankAccount {
  std::string bank;
  std::string account;
  std::string holder;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("bank", self.bank, kNameBounds);
    visit("account", self.account, kNameBounds);
    visit("holder", self.holder, kNameBounds);
  }
  bool operator==(const BankAccount&) const = default;
};

/// Seals a payer's account (purpose "bank account", digest by HMAC of `digests`), so that it can
/// travel in RefundPayment, ClosePayment and the bank's commands, and be opened where money is paid
/// out. Errc of crypto where the seal fails.
[[nodiscard]] Result<SealedText> seal_account(const crypto::SealKey& key,
                                              const crypto::HmacKey& digests,
                                              const BankAccount& account, Random& random);
/// Errors are crypto's (another key, damaged) or the codec's.
[[nodiscard]] Result<BankAccount> open_account(const crypto::SealKey& key,
                                               const SealedText& account);

/// What a gateway or a bank is given to name a payment by. It holds the member, so that what comes
/// back under it finds the owner of the money.
struct Reference {
  MemberId member;
  std::variant<OrderId, ChargeId> what;

  bool operator==(const Reference&) const = default;
};

/// `order.<member>.<order>`, `charge.<member>.<charge>`
[[nodiscard]] std::string to_text(const Reference& reference);
/// Exactly that form; letters of the ids in either case.
[[nodiscard]] std::optional<Reference> parse_reference(std::string_view text);
/// The first reference within what somebody typed, e.g. the note of a transfer; case and what
/// stands around it are of no matter.
[[nodiscard]] std::optional<Reference> find_reference(std::string_view text);

/// A name that follows from others, so that nobody has to remember it: version 8, from SHA-256 of
/// `what` and the parts, each followed by a zero byte.
[[nodiscard]] Uuid derived_id(std::string_view what, std::initializer_list<std::string_view> parts);

/// derived_id("dropline deposit 1", {transaction}), from the bank's name for the transaction: the
/// same transaction, told twice or by two ingresses, has the same id.
[[nodiscard]] DepositId deposit_id(std::string_view transaction);

}  // namespace dropline::contracts
