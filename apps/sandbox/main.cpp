// A payment gateway to develop against. It knows nothing of dropline but the secret that its
// notices are signed with.
#include "common/keys.hpp"
#include "common/options.hpp"
#include "common/process.hpp"
#include "common/web.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/shop/operations.hpp"
#include "gateway.hpp"

namespace dropline::apps {
namespace {

int serve(const config::Invocation& call) {
  const auto& settings = call.settings();
  Process process(settings, "dropline-sandbox");
  auto keys = load_keys(keys_folder(settings), settings.boolean("dev"), process.random);
  if (!keys) return fail(keys.error());
  const auto shop = settings.address("sandbox.notify");
  sandbox::Gateway gateway({process.clock,
                            process.random,
                            keys->gateway.front(),
                            {shop.host, shop.port, "/v1/payments/webhook"}});
  std::vector<http::ListenerOptions> listeners(1);
  const auto address = settings.address("sandbox.address");
  listeners[0].name = "sandbox";
  listeners[0].address = address.host;
  listeners[0].port = address.port;
  gateway.add_routes(listeners[0].router);
  shop::add_operation_routes(listeners[0].router, process.health, process.metrics);
  http::ServerOptions options;
  options.io_threads = 1;
  auto server = http::Server::start(options, std::move(listeners));
  if (!server) return fail(server.error());
  log::info("listening", {{"address", address.text()}, {"notify", shop.text()}});
  process.wait_for_stop();
  (*server)->drain(kDrainLimit / 2);
  return process.exit_code();
}

}  // namespace
}  // namespace dropline::apps

int main(int argc, char** argv) {
  using namespace dropline;
  auto line = apps::command_line("dropline-sandbox",
                                 "A payment gateway to develop against: takes every payment");
  line.add({.name = "serve",
            .summary = "Take payments, and tell the shop of each with a signed notice",
            .sections = {"", "sandbox", "log", "keys"},
            .run = apps::serve});
  line.default_command("serve");
  return line.run(argc, argv);
}
