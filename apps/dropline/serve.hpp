#pragma once

#include "dropline/config/command_line.hpp"

namespace dropline::apps {

/// `dropline serve`: HTTP threads and one engine thread over one SQLite file.
int serve(const config::Invocation& call);

}  // namespace dropline::apps
