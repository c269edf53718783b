#include "dropline/shop/caller.hpp"

#include <algorithm>

namespace dropline::shop {
namespace {
constexpr std::string_view kClaimHeader = "x-claim-userid";
}

Callers::Callers(CallerRules rules, const Clock& clock)
    : rules_(std::move(rules)), verifier_(rules_.tokens, clock) {}

std::variant<Caller, http::Problem> Callers::identify(const http::Request& request) const {
  const auto language = request.language();
  if (const auto claimed = request.header(kClaimHeader)) {
    const bool trusted = std::ranges::find(rules_.trusted_gateways, request.client_address()) !=
                         rules_.trusted_gateways.end();
    const auto member = MemberId::parse(*claimed);
    if (!trusted || request.header_repeated(kClaimHeader) || !member || member->nil())
      return http::unauthorized(language, "invalid_request",
                                trusted ? "X-Claim-UserId is not a member's UUID"
                                        : "X-Claim-UserId is not taken from this address");
    return Caller{*member, false};
  }
  const auto token = request.bearer_token();
  if (!token) return http::unauthorized(language);
  const auto claims = verifier_.verify(*token);
  if (!claims) return http::unauthorized(language, "invalid_token", claims.error().code.message());
  return Caller{(*claims)->member, (*claims)->has_role("admin"), (*claims)->expires_at};
}

}  // namespace dropline::shop
