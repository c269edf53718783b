#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/crypto/ed25519.hpp"
#include "dropline/http/errors.hpp"

namespace dropline::http {

/// What a verified token says about its bearer.
struct TokenClaims {
  MemberId member;  ///< `sub`
  std::vector<std::string> roles;
  std::string key_id;
  std::string token_id;  ///< `jti`; empty where absent
  Timestamp issued_at{};
  Timestamp not_before{};
  Timestamp expires_at{};

  [[nodiscard]] bool has_role(std::string_view role) const noexcept;
};

/// Whose tokens are taken.
struct TokenRules {
  std::string issuer;                                       ///< must equal `iss`
  std::string audience;                                     ///< must equal or be among `aud`
  std::unordered_map<std::string, crypto::PublicKey> keys;  ///< by `kid`
  std::chrono::seconds leeway{30};                          ///< for exp, nbf and iat
  std::chrono::seconds max_lifetime{86'400};  ///< exp − iat; longer tokens are refused
  std::size_t max_token_bytes = 4'096;
  std::size_t max_roles = 32;
  std::size_t cache_entries = 32'768;  ///< verified tokens remembered; 0: none
};

/// Verifies bearer tokens: JWT (RFC 7519, 8037) signed with Ed25519 and nothing else. `alg` is
/// pinned to EdDSA, `kid` chooses among the rules' keys only, `crit` and duplicate members are
/// refused, JSON is strict and bounded. Tokens that verified are remembered by their SHA-256 until
/// they expire, in a bounded set that forgets the least recently used: a check costs about a
/// microsecond then, 60 µs before. Every member may be called from any thread; the set is cut into
/// parts so that threads rarely meet.
class TokenVerifier final {
 public:
  /// `clock` must outlive it.
  TokenVerifier(TokenRules rules, const Clock& clock);
  ~TokenVerifier();

  using ClaimsPtr = std::shared_ptr<const TokenClaims>;
  [[nodiscard]] Result<ClaimsPtr> verify(std::string_view token) const;

  struct CacheStats {
    std::size_t entries = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  [[nodiscard]] CacheStats cache_stats() const;

 private:
  class Cache;
  [[nodiscard]] Result<ClaimsPtr> verify_signed(std::string_view token, Timestamp now) const;

  TokenRules rules_;
  const Clock& clock_;
  std::unique_ptr<Cache> cache_;
};

/// What goes into a new token.
struct TokenRequest {
  MemberId member;
  std::vector<std::string> roles;
  std::string issuer;
  std::string audience;
  std::string key_id;
  std::string token_id;
  std::chrono::seconds lifetime{3'600};
};

/// A signed token, valid from `now`. For development, tests and load tools.
[[nodiscard]] std::string mint(const TokenRequest& request, const crypto::SecretKey& key,
                               Timestamp now);

}  // namespace dropline::http
