// A payment gateway and a bank to develop against. It knows nothing of dropline but the secrets
// that notices and calls are signed with.
#include <filesystem>

#include "books.hpp"
#include "common/keys.hpp"
#include "common/migrations.hpp"
#include "common/options.hpp"
#include "common/process.hpp"
#include "common/web.hpp"
#include "courier.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/shop/operations.hpp"
#include "gateway.hpp"

namespace dropline::apps {
namespace {

Result<store::Session> open_books(const std::filesystem::path& file, const Process& process) {
  auto database = store::Database::parse("sqlite:" + file.string(), process.clock);
  if (!database) return database.error();
  auto session = database->open({.application = "dropline-sandbox"});
  if (!session) return session.error();
  if (auto migrated = migrate_service(*session, "sandbox"); !migrated) return migrated.error();
  return session;
}

int serve(const config::Invocation& call) {
  const auto& settings = call.settings();
  if (auto home = check_development(settings, {"sandbox.address"}); !home)
    return fail(home.error());
  Process process(settings, "dropline-sandbox");
  auto keys = load_keys(keys_folder(settings), settings.boolean("dev"), process.random);
  if (!keys) return fail(keys.error());
  const auto shop = settings.address("sandbox.notify");
  const auto address = settings.address("sandbox.address");
  const std::filesystem::path file = settings.has("sandbox.file")
                                         ? std::filesystem::path(settings.text("sandbox.file"))
                                         : std::filesystem::path(settings.text("data_dir")) /
                                               ("sandbox-" + std::to_string(address.port) + ".db");
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  auto session = open_books(file, process);
  if (!session) return fail(session.error());
  sandbox::Books books(std::move(*session), process.clock, process.random);
  sandbox::Courier courier({books,
                            process.clock,
                            keys->gateway.front(),
                            keys->bank.front(),
                            {shop.host, shop.port},
                            settings.duration("sandbox.notify_retry"),
                            static_cast<std::size_t>(settings.integer("sandbox.notify_threads"))});
  sandbox::Gateway gateway({books, courier, process.clock, process.random, keys->gateway,
                            keys->bank, settings.integer("sandbox.fault_percent")});
  std::vector<http::ListenerOptions> listeners(1);
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
  auto line =
      apps::command_line("dropline-sandbox", "A payment gateway and a bank to develop against");
  line.add({.name = "serve",
            .summary = "Take payments, and tell the shop of each with a signed notice",
            .sections = {"", "sandbox", "log", "keys"},
            .run = apps::serve});
  line.default_command("serve");
  return line.run(argc, argv);
}
