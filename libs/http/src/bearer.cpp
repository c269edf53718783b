#include "dropline/http/bearer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <list>
#include <mutex>

#include "claims.hpp"
#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/sha256.hpp"
#include "dropline/http/problem.hpp"

namespace dropline::http {
namespace {

struct DigestHash {
  std::size_t operator()(const crypto::Digest& digest) const noexcept {
    std::size_t hash;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

Timestamp at_second(std::int64_t second) {
  return Timestamp(std::chrono::seconds(second));
}

/// A token's three parts; nullopt when there are not exactly three.
struct Parts {
  std::string_view header, claims, signature, signed_part;
};
std::optional<Parts> split(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
               token.substr(second + 1), token.substr(0, second)};
}

Error malformed(const char* detail) {
  return error(Errc::token_malformed, detail);
}

}  // namespace

bool TokenClaims::has_role(std::string_view role) const noexcept {
  return std::ranges::find(roles, role) != roles.end();
}

/// Verified tokens, least recently used forgotten first. Cut into parts by the digest.
class TokenVerifier::Cache final {
 public:
  explicit Cache(std::size_t entries) : part_limit_((entries + kParts - 1) / kParts) {}

  /// nullptr when it is not there, or no longer valid.
  ClaimsPtr find(const crypto::Digest& digest, Timestamp now, std::chrono::seconds leeway) {
    auto& part = part_of(digest);
    const std::scoped_lock lock(part.mutex);
    const auto found = part.index.find(digest);
    if (found == part.index.end()) {
      ++misses_;
      return nullptr;
    }
    const auto at = found->second;
    const auto& claims = *at->claims;
    // The clock may also have been set back behind the token's beginning.
    if (now >= claims.expires_at + leeway || now + leeway < claims.not_before ||
        now + leeway < claims.issued_at) {
      part.index.erase(found);
      part.order.erase(at);
      ++misses_;
      return nullptr;
    }
    part.order.splice(part.order.begin(), part.order, at);
    ++hits_;
    return at->claims;
  }

  void put(const crypto::Digest& digest, ClaimsPtr claims) {
    auto& part = part_of(digest);
    const std::scoped_lock lock(part.mutex);
    if (part.index.contains(digest)) return;
    if (part.order.size() >= part_limit_) {
      part.index.erase(part.order.back().digest);
      part.order.pop_back();
    }
    part.order.push_front({digest, std::move(claims)});
    part.index.emplace(digest, part.order.begin());
  }

  [[nodiscard]] CacheStats stats() const {
    CacheStats stats{0, hits_, misses_};
    for (auto& part : parts_) {
      const std::scoped_lock lock(part.mutex);
      stats.entries += part.order.size();
    }
    return stats;
  }

 private:
  static constexpr std::size_t kParts = 16;
  struct Entry {
    crypto::Digest digest;
    ClaimsPtr claims;
  };
  struct alignas(64) Part {
    mutable std::mutex mutex;
    std::list<Entry> order;
    std::unordered_map<crypto::Digest, std::list<Entry>::iterator, DigestHash> index;
  };

  Part& part_of(const crypto::Digest& digest) { return parts_[digest.back() % kParts]; }

  const std::size_t part_limit_;
  std::array<Part, kParts> parts_;
  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
};

TokenVerifier::TokenVerifier(TokenRules rules, const Clock& clock)
    : rules_(std::move(rules)), clock_(clock) {
  if (rules_.cache_entries > 0) cache_ = std::make_unique<Cache>(rules_.cache_entries);
}

TokenVerifier::~TokenVerifier() = default;

Result<TokenVerifier::ClaimsPtr> TokenVerifier::verify(std::string_view token) const {
  if (token.empty() || token.size() > rules_.max_token_bytes)
    return malformed("the token is empty or too long");
  const auto now = clock_.now();
  if (!cache_) return verify_signed(token, now);
  const auto digest = crypto::sha256(token);
  if (auto claims = cache_->find(digest, now, rules_.leeway)) return claims;
  auto verified = verify_signed(token, now);
  if (verified) cache_->put(digest, *verified);
  return verified;
}

namespace {

Status check_header(const TokenMembers& header, const TokenRules& rules) {
  if (!header.alg || *header.alg != "EdDSA")
    return error(Errc::token_algorithm, "the token is not signed with EdDSA");
  if (header.crit) return malformed("the token demands extensions that are not known here");
  if (header.typ && *header.typ != "JWT" && *header.typ != "at+jwt")
    return malformed("the token's typ is not JWT");
  if (!header.kid || !rules.keys.contains(*header.kid))
    return error(Errc::token_unknown_key, "the token's key is not known here");
  return {};
}

Status check_claims(const TokenMembers& claims, const TokenRules& rules, Timestamp now) {
  if (!claims.iss || *claims.iss != rules.issuer)
    return error(Errc::token_issuer, "the token is another issuer's");
  if (std::ranges::find(claims.aud, rules.audience) == claims.aud.end())
    return error(Errc::token_audience, "the token is meant for somebody else");
  if (!claims.exp || !claims.iat) return malformed("the token has no exp or iat");
  if (*claims.exp <= *claims.iat || *claims.exp - *claims.iat > rules.max_lifetime.count())
    return malformed("the token's lifetime is not accepted");
  if (now >= at_second(*claims.exp) + rules.leeway)
    return error(Errc::token_expired, "the token has expired");
  const auto begins = std::max(*claims.iat, claims.nbf.value_or(0));
  if (now + rules.leeway < at_second(begins))
    return error(Errc::token_not_yet, "the token is not valid yet");
  return {};
}

}  // namespace

// What is cheap to refuse is refused before the signature is looked at, which costs the most.
Result<TokenVerifier::ClaimsPtr> TokenVerifier::verify_signed(std::string_view token,
                                                              Timestamp now) const {
  const auto parts = split(token);
  if (!parts) return malformed("the token does not have three parts");
  const auto header_json = crypto::base64url_decode(parts->header);
  const auto claims_json = crypto::base64url_decode(parts->claims);
  if (!header_json || !claims_json) return malformed("the token is not base64url");
  auto header = read_members(*header_json);
  if (!header) return malformed("the token's header is not valid");
  if (const auto checked = check_header(*header, rules_); !checked) return checked.error();
  auto claims = read_members(*claims_json, rules_.max_roles);
  if (!claims) return malformed("the token's claims are not valid");
  if (const auto checked = check_claims(*claims, rules_, now); !checked) return checked.error();
  const auto member = claims->sub ? MemberId::parse(*claims->sub) : std::nullopt;
  if (!member || member->nil()) return malformed("the token's subject is not a member");
  const auto signature = crypto::parse_signature(parts->signature);
  if (!signature) return malformed("the token's signature is not 64 bytes");
  if (!rules_.keys.at(*header->kid).verify(parts->signed_part, *signature))
    return error(Errc::token_signature, "the token's signature does not fit");
  auto result = std::make_shared<TokenClaims>();
  result->member = *member;
  result->roles = std::move(claims->roles);
  result->key_id = std::move(*header->kid);
  result->token_id = claims->jti.value_or("");
  result->issued_at = at_second(*claims->iat);
  result->not_before = at_second(claims->nbf.value_or(*claims->iat));
  result->expires_at = at_second(*claims->exp);
  return ClaimsPtr(std::move(result));
}

TokenVerifier::CacheStats TokenVerifier::cache_stats() const {
  return cache_ ? cache_->stats() : CacheStats{};
}

std::string mint(const TokenRequest& request, const crypto::SecretKey& key, Timestamp now) {
  const auto member = [](std::string& out, std::string_view name, std::string_view text) {
    append_json_string(out, name);
    out += ':';
    append_json_string(out, text);
  };
  std::string header = R"({"alg":"EdDSA","typ":"JWT",)";
  member(header, "kid", request.key_id);
  header += '}';
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::string claims = "{";
  member(claims, "iss", request.issuer);
  claims += ',';
  member(claims, "aud", request.audience);
  claims += ',';
  member(claims, "sub", request.member.text());
  claims += ",\"iat\":" + std::to_string(second) + ",\"nbf\":" + std::to_string(second) +
            ",\"exp\":" + std::to_string(second + request.lifetime.count());
  if (!request.token_id.empty()) {
    claims += ',';
    member(claims, "jti", request.token_id);
  }
  claims += ",\"roles\":[";
  for (const auto& role : request.roles) {
    if (claims.back() != '[') claims += ',';
    append_json_string(claims, role);
  }
  claims += "]}";
  auto token = crypto::base64url_encode(header) + '.' + crypto::base64url_encode(claims);
  const auto signature = key.sign(token);
  return token + '.' + crypto::base64url_encode(crypto::bytes_of(signature));
}

}  // namespace dropline::http
