#include "common/keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "dropline/config/errors.hpp"
#include "dropline/crypto/base64url.hpp"

namespace dropline::apps {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr const char* kPreviousGatewayKey = "gateway.previous.key";
constexpr const char* kPreviousBankKey = "bank.previous.key";
constexpr const char* kTokensKey = "tokens.key";
using Secret = std::array<std::uint8_t, kSecretBytes>;

Error unusable(const std::filesystem::path& file, const std::string& why, const std::string& cure) {
  return config::error(config::Errc::unreadable_file, file.string() + ": " + why + "; " + cure);
}

/// Writes a file whole or not at all; where it exists already, that one stays.
Status write_once(const std::filesystem::path& file, const std::string& text) {
  const auto draft = file.string() + '.' + std::to_string(::getpid());
  const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return unusable(file, std::strerror(errno), "is its folder writable?");
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(descriptor) == 0;
  ::close(descriptor);
  const bool linked = written && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST);
  const auto why = std::string(std::strerror(errno));
  ::unlink(draft.c_str());
  if (!linked) return unusable(file, why, "is the disk full?");
  return {};
}

Result<Secret> read_secret(const std::filesystem::path& folder, const char* name, bool generate,
                           Random& random) {
  const auto file = folder / name;
  std::error_code ignored;
  if (generate && !std::filesystem::exists(file, ignored)) {
    Secret fresh;
    random.fill(fresh);
    if (auto done = write_once(file, crypto::base64url_encode(fresh) + '\n'); !done)
      return done.error();
  }
  std::ifstream in(file);
  std::string text;
  if (!in || !std::getline(in, text))
    return unusable(file, "is not there, is empty or cannot be read",
                    "make the shop's keys once with `dropline keys` and give every process the "
                    "same, or run with --dev to have them made");
  Secret secret;
  if (!crypto::base64url_decode_into(text, secret))
    return unusable(file, "does not hold 32 bytes as base64url",
                    "restore it from where the shop keeps its secrets");
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return unusable(file, "may be read by others", "chmod 600 " + file.string());
  return secret;
}

std::string_view text_of(const Secret& secret) {
  return {reinterpret_cast<const char*>(secret.data()), secret.size()};
}

}  // namespace

Result<Keys> load_keys(const std::filesystem::path& folder, bool generate, Random& random) {
  std::error_code failed;
  if (generate) std::filesystem::create_directories(folder, failed);
  if (failed) return unusable(folder, failed.message(), "is its parent writable?");
  const auto read = [&](const char* name) { return read_secret(folder, name, generate, random); };
  const auto commands = read("commands.key");
  if (!commands) return commands.error();
  const auto receipts = read("receipts.key");
  if (!receipts) return receipts.error();
  const auto recipients = read("recipients.key");
  if (!recipients) return recipients.error();
  const auto digests = read("digests.key");
  if (!digests) return digests.error();
  const auto gateway = read("gateway.key");
  if (!gateway) return gateway.error();
  contracts::CommandKeys command_keys;
  if (auto added = command_keys.add("1", text_of(*commands)); !added) return added.error();
  Keys keys{std::move(command_keys),
            crypto::SecretKey::from_seed(*receipts),
            *crypto::SealKey::make("shop", *recipients),
            crypto::HmacKey(text_of(*digests)),
            {crypto::HmacKey(text_of(*gateway))},
            {},
            std::nullopt};
  const auto bank = read("bank.key");
  if (!bank) return bank.error();
  keys.bank.emplace_back(text_of(*bank));
  if (std::filesystem::exists(folder / kPreviousBankKey)) {
    const auto previous = read(kPreviousBankKey);
    if (!previous) return previous.error();
    keys.bank.emplace_back(text_of(*previous));
  }
  if (std::filesystem::exists(folder / kPreviousGatewayKey)) {
    const auto previous = read(kPreviousGatewayKey);
    if (!previous) return previous.error();
    keys.gateway.emplace_back(text_of(*previous));
  }
  if (generate || std::filesystem::exists(folder / kTokensKey)) {
    const auto tokens = read(kTokensKey);
    if (!tokens) return tokens.error();
    keys.tokens = crypto::SecretKey::from_seed(*tokens);
  }
  return keys;
}

std::filesystem::path keys_folder(const config::Settings& settings) {
  if (settings.has("keys.dir")) return settings.text("keys.dir");
  return std::filesystem::path(settings.text("data_dir")) / "keys";
}

Result<shop::CallerRules> caller_rules(const config::Settings& settings, const Keys& keys) {
  shop::CallerRules rules;
  rules.tokens.issuer = settings.text("auth.issuer");
  rules.tokens.audience = settings.text("auth.audience");
  rules.trusted_gateways = settings.list("auth.trusted_gateways");
  for (const auto& entry : settings.list("auth.token_keys")) {
    const auto colon = entry.find(':');
    const auto key = colon == std::string::npos
                         ? std::nullopt
                         : crypto::PublicKey::parse(std::string_view(entry).substr(colon + 1));
    if (!key)
      return config::error(config::Errc::bad_value,
                           "auth.token_keys: '" + entry +
                               "' is not KID:KEY with an Ed25519 public key as base64url");
    rules.tokens.keys.emplace(entry.substr(0, colon), *key);
  }
  if (settings.boolean("dev") && keys.tokens)
    rules.tokens.keys.emplace(kDevelopmentKeyId, keys.tokens->public_key());
  return rules;
}

}  // namespace dropline::apps
