#include "common/outlets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "dropline/crypto/base64url.hpp"
#include "dropline/crypto/webhook.hpp"
#include "dropline/feeds/feeds_worker.hpp"
#include "dropline/http/client.hpp"
#include "dropline/http/errors.hpp"
#include "dropline/notices/notices_worker.hpp"

namespace dropline::apps {
namespace {

constexpr std::chrono::milliseconds kCallTimeout{5'000};

Error failed(std::string what) {
  return http::error(http::Errc::bad_response, std::move(what));
}

/// A service together with what it calls, which it needs to the end.
template <class Inner, class Outlet>
class WithOutlet final : public worker::Service {
 public:
  template <class Make>
  WithOutlet(std::unique_ptr<Outlet> outlet, Make make)
      : outlet_(std::move(outlet)), inner_(make(*outlet_)) {}

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return inner_->spec(); }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    return inner_->apply(batch, unit);
  }
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override {
    return inner_->claimed(shards, unit);
  }
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override {
    return inner_->tick(shards, unit);
  }
  [[nodiscard]] bool wants_tick(worker::Shard shard) const override {
    return inner_->wants_tick(shard);
  }
  void committed() override { inner_->committed(); }
  void rolled_back() override { inner_->rolled_back(); }

 private:
  std::unique_ptr<Outlet> outlet_;
  std::unique_ptr<Inner> inner_;
};

struct NoticeOutlet {
  NoticeOutlet(std::unique_ptr<worker::CallTarget> target_, Process& process)
      : target(std::move(target_)),
        recorded(*target, process.clock),
        threads(recorded, process.clock) {
    threads.report_to(process.metrics, "notices");
  }
  std::unique_ptr<worker::CallTarget> target;
  notices::RecordedTarget recorded;
  worker::CallThreads threads;
};

struct FeedOutlet {
  FeedOutlet(HttpUrl url, const crypto::HmacKey& key, Process& process)
      : target(std::move(url), key, process.clock, kCallTimeout), threads(target, process.clock) {
    threads.report_to(process.metrics, "feeds");
  }
  WebhookTarget target;
  worker::CallThreads threads;
};

/// "host:port", checked by the schema.
std::pair<std::string, std::uint16_t> split(const std::string& address) {
  const auto colon = address.rfind(':');
  return {address.substr(0, colon),
          static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
}

std::unique_ptr<worker::CallTarget> notice_target(const config::Settings& settings,
                                                  const Clock& clock) {
  const auto transport = settings.text("notices.transport");
  if (transport == "log") {
    auto file = settings.has("notices.log")
                    ? std::filesystem::path(settings.text("notices.log"))
                    : std::filesystem::path(settings.text("data_dir")) / "notices.jsonl";
    return std::make_unique<LogTarget>(std::move(file));
  }
  if (transport == "webhook")
    return std::make_unique<WebhookTarget>(
        *parse_http_url(settings.text("notices.webhook_url")),
        webhook_key(settings.secret("notices.webhook_secret").reveal()), clock, kCallTimeout);
  if (transport != "smtp") return nullptr;
  SmtpTerms terms;
  std::tie(terms.host, terms.port) = split(settings.text("notices.smtp_server"));
  terms.from = settings.text("notices.smtp_from");
  terms.to = settings.text("notices.smtp_to");
  terms.korean = settings.text("notices.language") == "ko";
  return std::make_unique<SmtpTarget>(std::move(terms), clock);
}

}  // namespace

std::optional<HttpUrl> parse_http_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  HttpUrl url;
  const auto slash = std::min(text.find('/'), text.size());
  if (slash < text.size()) url.target = text.substr(slash);
  auto host = text.substr(0, slash);
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
    const auto digits = host.substr(colon + 1);
    const auto [end, wrong] =
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (wrong != std::errc{} || end != digits.data() + digits.size() || url.port == 0)
      return std::nullopt;
    host = host.substr(0, colon);
  }
  for (const char c : url.target)
    if (c <= ' ' || c == 0x7F) return std::nullopt;
  if (host.empty() || host.find_first_of(" @#?") != std::string_view::npos) return std::nullopt;
  url.host = host;
  return url;
}

crypto::HmacKey webhook_key(std::string_view secret) {
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == ' '))
    secret.remove_suffix(1);
  constexpr std::string_view kMark = "whsec_";
  if (!secret.starts_with(kMark)) return crypto::HmacKey(secret);
  std::string text;
  for (const char c : secret.substr(kMark.size()))
    if (c != '=') text += c == '+' ? '-' : c == '/' ? '_' : c;
  const auto bytes = crypto::base64url_decode(text);
  return crypto::HmacKey(bytes ? std::string_view(*bytes) : secret);
}

Result<std::string> LogTarget::call(const worker::Call& call) {
  const std::lock_guard guard(lock_);
  const int file = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return failed(file_.string() + ": " + std::strerror(errno));
  const auto line = call.request + '\n';
  const auto written = ::write(file, line.data(), line.size());
  const int why = errno;
  // A line that was cut is ended, so that the next one stands alone.
  if (written >= 0 && written != static_cast<ssize_t>(line.size()) && ::write(file, "\n", 1) < 0) {
  }
  ::close(file);
  if (written != static_cast<ssize_t>(line.size()))
    return failed(file_.string() + ": " + std::strerror(written < 0 ? why : ENOSPC));
  return std::string();
}

Result<std::string> WebhookTarget::call(const worker::Call& call) {
  const auto id = call.id.text();
  const auto seconds = std::to_string(unix_ms(clock_.now()) / 1'000);
  http::Client client(url_.host, url_.port, {.timeout = timeout_});
  const auto answer = client.request(
      "POST", url_.target,
      {{"Content-Type", "application/json"},
       {"webhook-id", id},
       {"webhook-timestamp", seconds},
       {"webhook-signature", crypto::sign_webhook(key_, {id, seconds, call.request})}},
      call.request);
  if (!answer) return answer.error();
  if (answer->status / 100 == 2) return std::string();
  return failed("answered " + std::to_string(answer->status));
}

std::unique_ptr<worker::Service> make_notices(const config::Settings& settings, Process& process) {
  auto target = notice_target(settings, process.clock);
  if (!target) return std::make_unique<notices::NoticesWorker>(nullptr, nullptr, process.clock);
  using Whole = WithOutlet<notices::NoticesWorker, NoticeOutlet>;
  return std::make_unique<Whole>(std::make_unique<NoticeOutlet>(std::move(target), process),
                                 [&](NoticeOutlet& outlet) {
                                   auto inner = std::make_unique<notices::NoticesWorker>(
                                       &outlet.threads, &outlet.recorded, process.clock,
                                       worker::CallTerms{.timeout = 2 * kCallTimeout});
                                   inner->report_to(process.metrics);
                                   return inner;
                                 });
}

std::unique_ptr<worker::Service> make_feeds(const config::Settings& settings, Process& process) {
  if (!settings.has("feeds.url"))
    return std::make_unique<feeds::FeedsWorker>(nullptr, process.clock);
  using Whole = WithOutlet<feeds::FeedsWorker, FeedOutlet>;
  return std::make_unique<Whole>(
      std::make_unique<FeedOutlet>(*parse_http_url(settings.text("feeds.url")),
                                   webhook_key(settings.secret("feeds.secret").reveal()), process),
      [&](FeedOutlet& outlet) {
        auto inner = std::make_unique<feeds::FeedsWorker>(
            &outlet.threads, process.clock, worker::CallTerms{.timeout = 2 * kCallTimeout});
        inner->report_to(process.metrics);
        return inner;
      });
}

}  // namespace dropline::apps
