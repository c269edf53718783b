#pragma once

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "log_copy.hpp"

namespace dropline::simulation {

struct StockFigures {
  std::size_t orders = 0;
  std::size_t granted = 0;
  std::map<Place, std::string> bad;  ///< records of `orders.commands` that must be set aside
};

/// Holds stock's rows and words to a second reading of `orders.commands`: who won, at what price,
/// what is left, what was told to whom.
StockFigures judge_stock(Findings& out, const LogCopy& log, LogCopy::Speech& said,
                         store::Session& session, const contracts::CommandKeys& keys);

}  // namespace dropline::simulation
