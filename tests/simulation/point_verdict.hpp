#pragma once

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"

namespace dropline::simulation {

/// Holds points' ledger to what orders told: a member's entries count up and sum to the balance,
/// each paid order gave its points once, what went back took them in proportion, and all of it was
/// told once. Gives the records that must have been set aside.
std::map<Place, std::string> judge_points(Findings& out, const LogCopy& log,
                                          store::Session& session,
                                          const contracts::CommandKeys& keys);

}  // namespace dropline::simulation
