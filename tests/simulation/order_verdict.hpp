#pragma once

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"
#include "order_rows.hpp"

namespace dropline::simulation {

/// Holds ordering's rows and words to what stock and payments said: one row an order, in a state
/// that nothing is left to change, reached along the table; units settled where it is paid and
/// returned where it ended, and only after the money was closed; refunds by line that sum to what
/// was paid; every command answered. Gives the records that must have been set aside.
std::map<Place, std::string> judge_orders(Findings& out, const LogCopy& log,
                                          store::Session& session,
                                          const contracts::CommandKeys& keys,
                                          const OrderRows& rows);

/// Some order's time is still to run out.
[[nodiscard]] bool waits_for_deadlines(store::Session& session);

}  // namespace dropline::simulation
