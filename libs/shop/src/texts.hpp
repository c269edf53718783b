#pragma once

#include <string>
#include <string_view>

#include "dropline/contracts/parts.hpp"
#include "dropline/http/problem.hpp"
#include "dropline/http/request.hpp"

namespace dropline::shop {

/// A sentence in the languages that callers may ask for.
struct Text {
  std::string_view en;
  std::string_view ko;

  [[nodiscard]] std::string in(http::Language language) const {
    return std::string(language == http::Language::ko ? ko : en);
  }
};

/// What to tell a shopper whose order was granted nothing.
[[nodiscard]] Text refusal_text(contracts::RejectReason reason) noexcept;

/// A problem of this API: stable code, title in the caller's language.
[[nodiscard]] http::Problem problem(int status, std::string_view code, const Text& title,
                                    http::Language language);

}  // namespace dropline::shop
