#pragma once

#include "dropline/payments/payments.hpp"

namespace dropline::payments {

/// Gateway or bank have given money back, or will not: then it waits for an account.
void end_return(Book& book, const contracts::GatewayAnswered& answer, const Moment& moment,
                Answers& out);

}  // namespace dropline::payments
