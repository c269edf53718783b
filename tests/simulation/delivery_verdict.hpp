#pragma once

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"
#include "order_rows.hpp"

namespace dropline::simulation {

/// Holds deliveries' rows and words to what ordering has: goods are where their order says, none
/// are on their way whose money went back, only what is to be sent keeps a recipient, and every
/// command was answered. Gives the records that must have been set aside.
std::map<Place, std::string> judge_deliveries(Findings& out, const LogCopy& log,
                                              store::Session& session,
                                              const contracts::CommandKeys& keys,
                                              const OrderRows& orders);

}  // namespace dropline::simulation
