#pragma once

#include <filesystem>
#include <string>

#include "dropline/base/error.hpp"
#include "dropline/base/random.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/crypto/ed25519.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/crypto/seal.hpp"
#include "dropline/shop/caller.hpp"

namespace dropline::apps {

/// The secrets of a shop, from files of one folder: `commands.key` (shared by every process),
/// `receipts.key`, `recipients.key`, `digests.key` (ingresses), `gateway.key` (what the payment
/// gateway signs its notices with; `gateway.previous.key` while it is being changed), `bank.key`
/// and `bank.previous.key` (the same of the bank), `tokens.key` (development only).
struct Keys {
  contracts::CommandKeys commands;
  crypto::SecretKey receipts;
  crypto::SealKey recipients;
  crypto::HmacKey digests;
  std::vector<crypto::HmacKey> gateway;
  std::vector<crypto::HmacKey> bank;
  std::optional<crypto::SecretKey> tokens;
};

inline constexpr const char* kDevelopmentKeyId = "dev";

/// Reads the files; with `generate`, writes those that are missing (any number of processes may do
/// so at once: the first one's stay). An error names the file and the cure.
[[nodiscard]] Result<Keys> load_keys(const std::filesystem::path& folder, bool generate,
                                     Random& random);

[[nodiscard]] std::filesystem::path keys_folder(const config::Settings& settings);

/// Whose tokens are taken: the configured issuers', in development also `tokens.key`'s.
[[nodiscard]] Result<shop::CallerRules> caller_rules(const config::Settings& settings,
                                                     const Keys& keys);

}  // namespace dropline::apps
