#include "wallets.hpp"

#include "dropline/base/ensure.hpp"

namespace dropline::payments {
namespace {

/// Moves money into the wallet (below zero: out of it) and out of the other account.
void transfer(Book& book, Wallet& wallet, AccountName other, std::int64_t into_wallet,
              const Purpose& purpose, const Moment& moment) {
  wallet.balance += into_wallet;
  ensure(wallet.balance >= 0 && wallet.balance <= wallet.charged,
         "a wallet holds no less than nothing and no more than was ever charged");
  ++wallet.transfers;
  wallet.shard = moment.shard;
  wallet.at = moment.at;
  book.wallets_changed.insert(wallet.member);
  book.entries.push_back({wallet.member, AccountName::wallet, wallet.transfers, purpose.kind,
                          purpose.reference, Money{into_wallet, wallet.currency}, wallet.balance,
                          moment.shard, moment.at});
  book.entries.push_back({wallet.member, other, wallet.transfers, purpose.kind, purpose.reference,
                          Money{-into_wallet, wallet.currency}, std::nullopt, moment.shard,
                          moment.at});
}

}  // namespace

std::optional<contracts::DeclineReason> may_fill(const Book& book, const MemberId& member,
                                                 const Money& amount) {
  const auto found = book.wallets.find(member);
  if (found == book.wallets.end()) return std::nullopt;
  if (found->second.currency != amount.currency) return contracts::DeclineReason::wrong_currency;
  if (found->second.charged > contracts::kMaxExact - amount.minor)
    return contracts::DeclineReason::above_maximum;
  return std::nullopt;
}

const Wallet& fill(Book& book, const MemberId& member, const Money& amount, const Purpose& purpose,
                   const Moment& moment, AccountName from) {
  ensure(!may_fill(book, member, amount), "a charge was checked before it is credited");
  auto& wallet = book.wallets[member];
  if (wallet.transfers == 0) {
    wallet.member = member;
    wallet.currency = amount.currency;
  }
  wallet.charged += amount.minor;
  transfer(book, wallet, from, amount.minor, purpose, moment);
  return wallet;
}

std::optional<contracts::DeclineReason> hold(Book& book, const MemberId& member,
                                             const Money& amount, const Purpose& purpose,
                                             const Moment& moment) {
  if (amount.minor == 0) return std::nullopt;  // There is nothing to move, whatever the wallet is.
  const auto found = book.wallets.find(member);
  if (found == book.wallets.end()) return contracts::DeclineReason::insufficient_funds;
  if (found->second.currency != amount.currency) return contracts::DeclineReason::wrong_currency;
  if (found->second.balance < amount.minor) return contracts::DeclineReason::insufficient_funds;
  transfer(book, found->second, AccountName::held, -amount.minor, purpose, moment);
  return std::nullopt;
}

void give_back(Book& book, const MemberId& member, const Money& amount, const Purpose& purpose,
               const Moment& moment) {
  if (amount.minor == 0) return;
  const auto found = book.wallets.find(member);
  ensure(found != book.wallets.end() && found->second.currency == amount.currency,
         "money goes back to the wallet that it came from");
  transfer(book, found->second, AccountName::held, amount.minor, purpose, moment);
}

}  // namespace dropline::payments
