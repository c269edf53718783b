#pragma once

#include "dropline/config/command_line.hpp"

namespace dropline::apps {

/// `dropline audit rankings`: what was sold, counted again from the log and compared with the rows.
int audit_rankings(const config::Invocation& call);

}  // namespace dropline::apps
