#pragma once

#include "dropline/payments/payments.hpp"
#include "wallets.hpp"

/// Money that passes no wallet: between what gateways and banks owe, what is held, and what is on
/// its way back.
namespace dropline::payments {

/// One transfer of `owner`, see Entry; nothing where there is nothing to move.
void move(Book& book, const Uuid& owner, std::int64_t transfer, AccountName from, AccountName to,
          const Money& amount, const Purpose& purpose, const Moment& moment);

/// Wants a call made.
void send(Book& book, Errand errand, const Moment& moment);

/// What came under an order's reference is all that it costs, and is the shop's from now on.
[[nodiscard]] contracts::PaymentCaptured capture(Book& book, Payment& payment, AccountName from,
                                                 const Moment& moment);
/// Of a captured payment.
[[nodiscard]] contracts::PaymentCaptured captured(const Payment& payment);
/// It takes no money any more.
[[nodiscard]] contracts::PaymentClosed close_now(Book& book, Payment& payment,
                                                 contracts::EndCause cause, const Moment& moment);
[[nodiscard]] contracts::PaymentClosed closed(const Payment& payment);
/// No money came and none will.
[[nodiscard]] Said decline_now(Book& book, Payment& payment, contracts::DeclineReason reason,
                               const Moment& moment);
[[nodiscard]] contracts::PaymentDeclined declined(const Payment& payment);

/// Money leaves `from` for its payer: by the gateway, or to the account where one is given; else it
/// waits. `going` has everything but its state and times.
void begin_return(Book& book, const Terms& terms, Return going, AccountName from,
                  const Purpose& purpose, const Moment& moment, Answers& out);

[[nodiscard]] std::string reference_of(const MemberId& member, const OrderId& order);
[[nodiscard]] std::string reference_of(const MemberId& member, const ChargeId& charge);

}  // namespace dropline::payments
