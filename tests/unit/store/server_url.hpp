#pragma once

#include <string>

namespace dropline::store {

/// Of the PostgreSQL to test with; fails the test, with the cure, where none was given.
[[nodiscard]] std::string server_url();

}  // namespace dropline::store
