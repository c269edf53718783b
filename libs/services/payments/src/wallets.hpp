#pragma once

#include "dropline/payments/payments.hpp"

/// The one place where money moves.
namespace dropline::payments {

/// What a transfer is for.
struct Purpose {
  TransferKind kind;
  Uuid reference;
};

/// Fills a wallet, made where there is none, from the gateway, or from what a bank brought. The
/// currency is the wallet's and the sum of its charges stays within kMaxExact (both ensured: see
/// may_fill()).
const Wallet& fill(Book& book, const MemberId& member, const Money& amount, const Purpose& purpose,
                   const Moment& moment, AccountName from = AccountName::gateway);

/// Why a wallet cannot be filled with it; absent: it can.
[[nodiscard]] std::optional<contracts::DeclineReason> may_fill(const Book& book,
                                                               const MemberId& member,
                                                               const Money& amount);

/// Holds money of the wallet for an order, or says why not.
[[nodiscard]] std::optional<contracts::DeclineReason> hold(Book& book, const MemberId& member,
                                                           const Money& amount,
                                                           const Purpose& purpose,
                                                           const Moment& moment);

/// Gives held money back to the wallet that it came from.
void give_back(Book& book, const MemberId& member, const Money& amount, const Purpose& purpose,
               const Moment& moment);

}  // namespace dropline::payments
