#include "sodium.hpp"

#include <sodium.h>

#include "dropline/base/ensure.hpp"

namespace dropline::crypto {

void prepare_sodium() {
  static const int started = sodium_init();
  ensure(started >= 0, "libsodium starts");
}

}  // namespace dropline::crypto
