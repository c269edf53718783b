#include "common/migrations.hpp"

#include "dropline/store/migrations.hpp"
#include "dropline/telemetry/log.hpp"
#include "schemas_sql.hpp"

namespace dropline::apps {
namespace {
const log::Logger kLog("migrations");
}

Status migrate_service(store::Session& session, std::string_view service) {
  auto migrations = store::parse_migrations(embedded::schemas_sql());
  if (!migrations) return migrations.error();
  store::MigrateOptions options;
  options.on_step = [](const store::MigrationStep& step) {
    if (step.applied)
      kLog.info("applied", {{"service", step.service}, {"file", step.path}, {"took", step.took}});
  };
  auto report = store::migrate(session, service, *migrations, options);
  if (!report) return report.error();
  return {};
}

}  // namespace dropline::apps
