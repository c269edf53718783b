#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "common/process.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/worker/call_threads.hpp"
#include "dropline/worker/service.hpp"

/// Where notices and feeds leave the house. Targets block for their deadline at most and may be
/// called from any thread.
namespace dropline::apps {

/// `http://host[:port]/path`; what is encrypted goes through a proxy beside us.
struct HttpUrl {
  std::string host;
  std::uint16_t port = 80;
  std::string target = "/";
};
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view text);

/// A secret as the other side names it: `whsec_` and base64, or any text.
[[nodiscard]] crypto::HmacKey webhook_key(std::string_view secret);

/// One JSON line a notice, at the end of a file. The whole line or an error.
class LogTarget final : public worker::CallTarget {
 public:
  explicit LogTarget(std::filesystem::path file) : file_(std::move(file)) {}
  [[nodiscard]] Result<std::string> call(const worker::Call& call) override;

 private:
  std::mutex lock_;
  std::filesystem::path file_;
};

/// POST in the standard-webhooks form, the call's id as `webhook-id`. Taken: 2xx; anything else is
/// tried again, so that a platform that is set up wrong for a while misses nothing.
class WebhookTarget final : public worker::CallTarget {
 public:
  WebhookTarget(HttpUrl url, crypto::HmacKey key, const Clock& clock,
                std::chrono::milliseconds timeout)
      : url_(std::move(url)), key_(key), clock_(clock), timeout_(timeout) {}
  [[nodiscard]] Result<std::string> call(const worker::Call& call) override;

 private:
  HttpUrl url_;
  crypto::HmacKey key_;
  const Clock& clock_;
  std::chrono::milliseconds timeout_;
};

struct SmtpTerms {
  std::string host;
  std::uint16_t port = 25;
  std::string from;
  std::string to;  ///< `{member}` in it is the member's id
  bool korean = true;
  std::chrono::milliseconds timeout{10'000};
};

/// One mail a notice, by plain SMTP to a relay beside us. `Message-ID` follows from the notice, so
/// that a relay or mailbox that knows it drops what comes twice. 5xx of the relay to the recipient
/// or the mail is a refusal for good; to anything else it is tried again, as the shop is set up
/// wrong.
class SmtpTarget final : public worker::CallTarget {
 public:
  SmtpTarget(SmtpTerms terms, const Clock& clock) : terms_(std::move(terms)), clock_(clock) {}
  [[nodiscard]] Result<std::string> call(const worker::Call& call) override;

 private:
  SmtpTerms terms_;
  const Clock& clock_;
};

/// The services with their outlets, as the settings have them; an error where those make no sense.
[[nodiscard]] std::unique_ptr<worker::Service> make_notices(const config::Settings& settings,
                                                            Process& process);
[[nodiscard]] std::unique_ptr<worker::Service> make_feeds(const config::Settings& settings,
                                                          Process& process);

}  // namespace dropline::apps
