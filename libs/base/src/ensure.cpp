#include "dropline/base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace dropline {

void ensure_failed(const char* what, std::source_location where) {
  std::fprintf(stderr, "dropline: broken promise: %s (%s:%u, %s)\n", what, where.file_name(),
               where.line(), where.function_name());
  std::abort();
}

}  // namespace dropline
