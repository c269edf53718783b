#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dropline::http {

/// The members of a token's header or claims that we read; others are checked for form only.
struct TokenMembers {
  std::optional<std::string> alg, typ, kid;
  std::optional<std::string> iss, sub, jti;
  std::vector<std::string> aud, roles;
  std::optional<std::int64_t> exp, nbf, iat;
  bool crit = false;  ///< present
};

/// Reads one JSON object, strictly: RFC 8259, valid UTF-8, at most 4 levels deep, at most 64
/// members, none twice, and each known member of its own type. nullopt for anything else.
/// NumericDates are whole seconds (a fraction that is zero counts as whole).
[[nodiscard]] std::optional<TokenMembers> read_members(std::string_view json,
                                                       std::size_t max_list = 64);

}  // namespace dropline::http
