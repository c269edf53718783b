#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "follower.hpp"
#include "sale.hpp"

namespace dropline::load {

/// What the answers, the topic and the wallets must agree on once the shop is at rest.
struct Verdict {
  std::uint64_t compared = 0;  ///< orders
  std::uint64_t wallets = 0;
  std::vector<std::string> differences;  ///< the first kMostDifferences of each kind
  [[nodiscard]] bool good() const noexcept { return differences.empty(); }
};

inline constexpr std::size_t kMostDifferences = 10;

/// `answered_paid` tells of each arrival whether its answer said that it is paid.
[[nodiscard]] Result<Verdict> judge(Sale& sale, const Plan& plan,
                                    const std::vector<bool>& answered_paid,
                                    const Follower& follower);

}  // namespace dropline::load
