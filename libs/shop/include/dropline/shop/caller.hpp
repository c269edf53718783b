#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/http/bearer.hpp"
#include "dropline/http/problem.hpp"
#include "dropline/http/request.hpp"

namespace dropline::shop {

/// Who asks, as far as they have proved it.
struct Caller {
  MemberId member;
  bool admin = false;
  std::optional<Timestamp> until{};  ///< when that proof ends; absent: a gateway's word
};

struct CallerRules {
  http::TokenRules tokens;
  /// Addresses whose `X-Claim-UserId` (a member's UUID) is believed: a gateway that has checked the
  /// caller. From anywhere else the header is refused, never ignored.
  std::vector<std::string> trusted_gateways;
};

/// Tells callers from requests. Any thread.
class Callers final {
 public:
  Callers(CallerRules rules, const Clock& clock);

  /// The caller, or the 401 to answer with.
  [[nodiscard]] std::variant<Caller, http::Problem> identify(const http::Request& request) const;

 private:
  CallerRules rules_;
  http::TokenVerifier verifier_;
};

}  // namespace dropline::shop
