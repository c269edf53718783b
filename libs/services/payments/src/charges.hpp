#pragma once

#include "dropline/payments/payments.hpp"

namespace dropline::payments {

/// Why the shop's terms do not allow a charge; absent: they do.
[[nodiscard]] std::optional<contracts::DeclineReason> outside(const Terms& terms,
                                                              const Money& amount);

[[nodiscard]] contracts::WalletChargeDeclined decline(Book& book, Charge& charge,
                                                      contracts::DeclineReason reason,
                                                      const Moment& moment);

}  // namespace dropline::payments
