#pragma once

#include "dropline/config/command_line.hpp"

namespace dropline::apps {

/// `dropline audit`, `audit drop`, `replay drop`, `verify receipt`: what anyone may check. They
/// read only: the embedded file while a server runs or none does, or with --database-url the
/// distributed shop.
void add_audit_commands(config::CommandLine& line);

}  // namespace dropline::apps
