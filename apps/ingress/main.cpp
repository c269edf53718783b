// The HTTP ingress of distributed mode: publishes commands, follows events, writes no database.
#include "common/keys.hpp"
#include "common/options.hpp"
#include "common/process.hpp"
#include "common/topics.hpp"
#include "common/web.hpp"
#include "dropline/config/errors.hpp"

namespace dropline::apps {
namespace {

int serve(const config::Invocation& call) {
  const auto& settings = call.settings();
  if (auto home = check_development(settings, {"http.address", "admin.address"}); !home)
    return fail(home.error());
  if (!settings.has("database.url"))
    return fail(config::error(config::Errc::missing_value,
                              "--database-url (or DROPLINE_DATABASE_URL) names the PostgreSQL that "
                              "orders are read from; it is missing"));
  Process process(settings, "dropline-ingress");
  auto keys = load_keys(keys_folder(settings), settings.boolean("dev"), process.random);
  if (!keys) return fail(keys.error());
  auto database = store::Database::parse(settings.text("database.url"), process.clock);
  if (!database) return fail(database.error());
  auto stream = stream::KafkaStream::open(kafka_options(
      settings, Publisher::ingress, "dropline-ingress-" + settings.text("http.name")));
  if (!stream) return fail(stream.error());
  const TopicSetup topics(**stream, settings, process);
  auto web = Web::start(settings, process, *keys, **stream, *database);
  if (!web) return fail(web.error());
  process.wait_for_stop();
  (*web)->drain(kDrainLimit * 3 / 4);
  web->reset();
  log::info("stopped");
  return process.exit_code();
}

}  // namespace
}  // namespace dropline::apps

int main(int argc, char** argv) {
  using namespace dropline;
  auto line = apps::command_line("dropline-ingress", "The HTTP ingress of dropline");
  line.add({.name = "serve",
            .summary = "Take requests and publish commands to Kafka",
            .sections = {"*"},
            .run = apps::serve});
  line.default_command("serve");
  return line.run(argc, argv);
}
