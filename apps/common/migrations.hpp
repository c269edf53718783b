#pragma once

#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"

namespace dropline::apps {

/// Brings one service's schema up to date with the migrations that this program carries, and logs
/// each step.
[[nodiscard]] Status migrate_service(store::Session& session, std::string_view service);

}  // namespace dropline::apps
