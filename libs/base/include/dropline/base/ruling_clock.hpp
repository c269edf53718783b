#pragma once

#include "dropline/base/clock.hpp"

namespace dropline {

/// A clock that rules servers too: what a database server says the time is counts only as this
/// clock has it. For simulated time, which has to be one time wherever anybody asks.
class RulingClock : public Clock {
 public:
  /// What counts where a server says that it is `servers`.
  [[nodiscard]] virtual Timestamp instead_of(Timestamp servers) const = 0;
};

}  // namespace dropline
