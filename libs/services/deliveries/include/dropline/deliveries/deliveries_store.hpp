#pragma once

#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/deliveries/deliveries.hpp"
#include "dropline/store/database.hpp"

namespace dropline::deliveries {

/// Loads a batch's rows in one statement. Duplicates do no harm. Within the caller's transaction.
[[nodiscard]] Result<Book> load(store::Session& session, std::vector<DeliveryKey> wanted);

/// Writes what changed in one statement.
[[nodiscard]] Status save(store::Session& session, const Book& book);

}  // namespace dropline::deliveries
