#pragma once

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"

namespace dropline::simulation {

/// Holds payments' rows to its log: the ledger sums to zero, every capture has units behind it and
/// every order with units a payment, no charge counts twice or without the gateway's word, a
/// member's money moved in log order, and all of it was told once. Gives the records that must have
/// been set aside.
std::map<Place, std::string> judge_money(Findings& out, const LogCopy& log, store::Session& session,
                                         const contracts::CommandKeys& keys);

}  // namespace dropline::simulation
