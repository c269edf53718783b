#pragma once

#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/points/points.hpp"
#include "dropline/store/database.hpp"

namespace dropline::points {

/// Loads a batch's rows in two statements: what the ledger says of the orders, and their members'
/// balances. Duplicates do no harm. Within the caller's transaction.
[[nodiscard]] Result<Book> load(store::Session& session, std::vector<OrderKey> orders);

/// Adds the ledger's new entries and writes the balances: two statements. An entry that is there
/// already is an error (store::Errc::constraint), never overwritten.
[[nodiscard]] Status save(store::Session& session, const Book& book);

}  // namespace dropline::points
