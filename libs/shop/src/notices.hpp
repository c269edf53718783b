#pragma once

#include <optional>
#include <vector>

#include "dropline/crypto/hmac.hpp"
#include "dropline/http/problem.hpp"
#include "dropline/http/request.hpp"

namespace dropline::shop {

/// Whether a notice (standard-webhooks form) is signed with one of the keys; or what to
/// tell who sent it.
[[nodiscard]] std::optional<http::Problem> refusal_of_notice(
    const std::vector<crypto::HmacKey>& keys, const http::Request& request, Timestamp now);

}  // namespace dropline::shop
