#pragma once

#include <source_location>

namespace dropline {

/// Ends the process with a message on stderr when `holds` is false. Stays on in release builds:
/// it guards what must be true of our own code, never what a caller or a record may get wrong.
/// Safe from any thread.
[[noreturn]] void ensure_failed(const char* what, std::source_location where);

inline void ensure(bool holds, const char* what,
                   std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    ensure_failed(what, where);
}

}  // namespace dropline
