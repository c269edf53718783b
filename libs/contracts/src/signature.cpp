#include "dropline/contracts/signature.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "dropline/contracts/errors.hpp"
#include "dropline/crypto/hex.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::contracts {
namespace {

constexpr std::string_view kDomain("dropline command 1\0", 19);
constexpr std::string_view kPrefix = "h1.";

struct Parts {
  std::string_view type, id, source, subject, key, body;
};

crypto::Digest mac_of(const crypto::HmacKey& secret, const Parts& parts) {
  const auto body = crypto::sha256(parts.body);
  std::string signed_text(kDomain);
  for (const auto part :
       {parts.type, parts.id, parts.source, parts.subject, parts.key, crypto::bytes_of(body)}) {
    const auto length = static_cast<std::uint32_t>(part.size());
    for (int shift = 24; shift >= 0; shift -= 8)
      signed_text += static_cast<char>(length >> shift & 0xFF);
    signed_text += part;
  }
  return secret.mac(signed_text);
}

bool fit_as_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= CommandKeys::kMaxIdLength &&
         std::ranges::all_of(id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

}  // namespace

Status CommandKeys::add(std::string_view id, std::string_view secret) {
  if (!fit_as_id(id)) return error(Errc::bad_value, "a command key's id is 1 to 32 of a-z 0-9 _ -");
  if (secret.size() < kMinSecretBytes)
    return error(Errc::bad_value,
                 "the secret of command key '" + std::string(id) + "' is shorter than 16 bytes");
  if (keys_.size() == kMaxKeys)
    return error(Errc::out_of_range, "at most 8 command keys can be live");
  if (!keys_.emplace(id, crypto::HmacKey(secret)).second)
    return error(Errc::bad_value, "command key '" + std::string(id) + "' is given twice");
  if (signing_.empty()) signing_ = id;
  return {};
}

std::string CommandKeys::sign(const Attributes& attributes, std::string_view key,
                              std::string_view body) const {
  ensure(can_sign(), "a command key is configured");
  const auto mac =
      mac_of(keys_.find(signing_)->second,
             {attributes.type, attributes.id, attributes.source, attributes.subject, key, body});
  std::string text(kPrefix);
  text.append(signing_).append(1, '.').append(2 * mac.size(), '0');
  crypto::write_digest(mac, text.data() + text.size() - 2 * mac.size());
  return text;
}

Status CommandKeys::verify(const Envelope& envelope, std::string_view key) const {
  auto text = envelope.signature;
  if (text.empty())
    return error(Errc::forbidden,
                 std::string(envelope.type) + " must carry the header dropline-signature");
  const auto dot = text.rfind('.');
  if (!text.starts_with(kPrefix) || dot == std::string_view::npos || dot < kPrefix.size())
    return error(Errc::forbidden, "the signature is not of the form h1.<key id>.<hex>");
  const auto given = crypto::parse_digest(text.substr(dot + 1));
  const auto id = text.substr(kPrefix.size(), dot - kPrefix.size());
  if (!given || !fit_as_id(id))
    return error(Errc::forbidden, "the signature is not of the form h1.<key id>.<hex>");
  const auto found = keys_.find(id);
  if (found == keys_.end())
    return error(Errc::forbidden,
                 "signed with the key '" + std::string(id) + "', which is not known here");
  const auto mac = mac_of(found->second, {envelope.type, envelope.id, envelope.source,
                                          envelope.subject, key, envelope.body});
  if (!crypto::equal(mac, *given))
    return error(Errc::forbidden, "the signature does not fit the command");
  return {};
}

}  // namespace dropline::contracts
