#pragma once

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"
#include "order_rows.hpp"

namespace dropline::simulation {

/// Holds coupons' rows and words to a second reading of its log: the first by offset have one each,
/// as many as there are and never more, and each coupon is used by one order, which ends as its
/// coupon does. Gives the records that must have been set aside.
std::map<Place, std::string> judge_coupons(Findings& out, const LogCopy& log,
                                           const LogCopy::Speech& speech, store::Session& session,
                                           const contracts::CommandKeys& keys,
                                           const OrderRows& orders);

}  // namespace dropline::simulation
