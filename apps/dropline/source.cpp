#include "source.hpp"

#include <filesystem>

#include "common/options.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"

namespace dropline::apps {
namespace {

/// A statement over a million orders takes seconds, not minutes.
constexpr std::chrono::minutes kStatementLimit{10};

Status open_embedded(Source& source, const config::Settings& settings) {
  const auto file = std::filesystem::path(settings.text("data_dir")) / "dropline.db";
  if (!std::filesystem::exists(file))
    return config::error(config::Errc::unreadable_file,
                         file.string() +
                             " is not there: --data-dir names the folder of an embedded "
                             "shop, --database-url a distributed one");
  auto database = store::Database::parse("sqlite:" + file.string(), source.clock);
  if (!database) return database.error();
  auto session = database->open({.application = "dropline audit", .read_only = true});
  if (!session) return session.error();
  stream::SqliteOptions options;
  options.file = file;
  auto stream = stream::SqliteStream::open_read_only(options);
  if (!stream) return stream.error();
  source.session.emplace(std::move(*session));
  source.stream = std::move(*stream);
  return {};
}

Status open_distributed(Source& source, const config::Settings& settings) {
  auto database = store::Database::parse(settings.text("database.url"), source.clock);
  if (!database) return database.error();
  auto session = database->open(
      {.application = "dropline audit", .statement_limit = kStatementLimit, .read_only = true});
  if (!session) return session.error();
  auto stream =
      stream::KafkaStream::open(kafka_options(settings, Publisher::ingress, "dropline-audit"));
  if (!stream) return stream.error();
  source.session.emplace(std::move(*session));
  source.stream = std::move(*stream);
  return {};
}

}  // namespace

Status open(Source& source, const config::Settings& settings) {
  const auto folder = keys_folder(settings);
  SystemRandom random;
  if (std::filesystem::exists(folder / "commands.key"))
    if (auto keys = load_keys(folder, false, random)) source.keys.emplace(std::move(*keys));
  return settings.has("database.url") ? open_distributed(source, settings)
                                      : open_embedded(source, settings);
}

std::int32_t partitions(const config::Settings& settings) {
  return static_cast<std::int32_t>(settings.integer("topics.partitions"));
}

}  // namespace dropline::apps
