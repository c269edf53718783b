#include "town.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "common/process_clock.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/base/random.hpp"
#include "dropline/crypto/webhook.hpp"
#include "support/eventually.hpp"
#include "system.hpp"

namespace dropline::testing {

namespace {

constexpr const char* kNotices = "/notices";
constexpr const char* kOrders = "/orders";

std::string at(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

}  // namespace

Sink::Sink(std::string secret) : secret_(std::move(secret)) {
  std::vector<http::ListenerOptions> listeners(1);
  for (const auto* path : {kNotices, kOrders})
    listeners[0].router.add(http::Method::post, path, path,
                            [this, path](const http::ExchangePtr& e) { take(path, e); });
  http::ServerOptions options;
  options.io_threads = 1;
  server_ = http::Server::start(options, std::move(listeners)).value();
}

void Sink::take(const std::string& path, const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  const auto header = [&request](std::string_view name) {
    return std::string(request.header(name).value_or(""));
  };
  const auto id = header("webhook-id");
  const auto seconds = header("webhook-timestamp");
  const std::vector<crypto::HmacKey> keys{crypto::HmacKey(secret_)};
  const auto verdict =
      crypto::verify_webhook(keys, {id, seconds, request.body()}, header("webhook-signature"),
                             unix_ms(Town::get().clock().now()) / 1'000);
  const std::lock_guard guard(lock_);
  ++requests_[path];
  if (refuses_) {
    exchange->respond(http::empty_response(503));
    return;
  }
  auto& told = told_[path];
  auto known = std::ranges::find(told, id, &Told::id);
  if (known == told.end())
    known = told.insert(told.end(), Told{id, std::string(request.body()), 0, true});
  ++known->copies;
  known->genuine =
      known->genuine && verdict == crypto::WebhookVerdict::genuine && known->body == request.body();
  exchange->respond(http::empty_response(204));
}

std::vector<Told> Sink::told(const std::string& path) const {
  const std::lock_guard guard(lock_);
  const auto found = told_.find(path);
  return found == told_.end() ? std::vector<Told>() : found->second;
}

int Sink::requests(const std::string& path) const {
  const std::lock_guard guard(lock_);
  const auto found = requests_.find(path);
  return found == requests_.end() ? 0 : found->second;
}

void Sink::refuse(bool refuses) {
  const std::lock_guard guard(lock_);
  refuses_ = refuses;
}

Town::Town()
    : folder_(std::filesystem::temp_directory_path() /
              ("dropline-town-" + SystemRandom().uuid4().text())),
      sink_("the secret of a sink in a test") {
  std::filesystem::create_directories(folder_);
  const auto file = folder_ / "clock";
  clock_ = std::make_unique<SharedClock>(file);
  // Before any child is made: they inherit it, and so does who runs our commands.
  ::setenv(apps::kFalseClockVariable, file.c_str(), 1);
  ::setenv("DROPLINE_FEEDS_SECRET", sink_.secret().c_str(), 1);
  ::setenv("DROPLINE_NOTICES_WEBHOOK_SECRET", sink_.secret().c_str(), 1);
}

Town::~Town() {
  // doctest is over by now, so it cannot be asked.
  if (gateway_) ensure(gateway_->stop() == 0, "a program that is told to stop ends well");
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Town& Town::get() {
  static Town town;
  return town;
}

std::vector<std::string> Town::flags() const {
  const auto sink = "http://" + at(sink_.port());
  return {"--gateway-address",     at(gateway_port_),
          "--gateway-retry",       "100ms",
          "--gateway-retry-max",   "1s",
          "--notices-transport",   "webhook",
          "--notices-webhook-url", sink + kNotices,
          "--feeds-url",           sink + kOrders};
}

void Town::shop_opens(const std::filesystem::path& data_dir, std::uint16_t port) {
  if (gateway_) return;
  gateway_ = std::make_unique<Child>(
      std::vector<std::string>{
          program("dropline-sandbox"), "serve", "--dev", "--data-dir", data_dir.string(),
          "--sandbox-file", (folder_ / "sandbox.db").string(), "--sandbox-address",
          at(gateway_port_), "--sandbox-notify", at(port), "--sandbox-notify-retry", "100ms"},
      folder_ / "sandbox.log");
  wait_ready(gateway_port_);
}

Reply Town::gateway(const std::string& path, const std::string& body) {
  return request(gateway_port_, "POST", path, {{"Content-Type", "application/json"}}, body);
}

Reply Town::gateway_get(const std::string& path) {
  return request(gateway_port_, "GET", path, {});
}

Surroundings& surroundings() {
  return Town::get();
}

}  // namespace dropline::testing
