#pragma once

// The one public header that shows SOCI. Only a service's `*_store.cpp` may include it.
#include <soci/soci.h>

#include <exception>
#include <functional>
#include <string_view>

#include "dropline/store/database.hpp"

namespace dropline::store {

/// Runs `body`, which may use session.soci(), and gives what it threw as an error of this room: the
/// one place where exceptions of SOCI and the databases are translated. `name` is what errors call
/// the statement. Passes the fault seam, and dooms the transaction on error.
Status attempt(Session& session, std::string_view name,
               const std::function<void(soci::session&)>& body);

}  // namespace dropline::store
