#include "dropline/store/migrations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "dropline/base/ensure.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"
#include "session_state.hpp"

namespace dropline::store {
namespace {

constexpr std::array kAppliedColumns = {
    Column{"source", Type::text},   Column{"number", Type::int64},     Column{"name", Type::text},
    Column{"checksum", Type::text}, Column{"applied_at", Type::int64},
};

Table applied_table(std::string_view service) {
  return {service, "schema_migrations", kAppliedColumns, 2};
}

constexpr std::string_view kAppliedSql = R"(
CREATE TABLE IF NOT EXISTS {schema_migrations} (
  source     {text}  NOT NULL,
  number     {int64} NOT NULL,
  name       {text}  NOT NULL,
  checksum   {text}  NOT NULL,
  applied_at {int64} NOT NULL,
  PRIMARY KEY (source, number)
) {clustered};
)";

struct Applied {
  std::string source;
  std::int64_t number = 0;
  std::string name;
  std::string checksum;
};

constexpr std::uint64_t fnv1a(std::string_view text) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : text) {
    if (c == '\r') continue;  // a checkout may have put them in
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  return hash;
}

std::string checksum(std::string_view text) {
  std::array<char, 16> digits;
  digits.fill('0');
  std::array<char, 16> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), fnv1a(text), 16).ptr;
  std::copy_backward(buffer.data(), end, digits.data() + digits.size());
  return {digits.data(), digits.size()};
}

Error bad(std::string detail) {
  return error(Errc::bad_migration, std::move(detail));
}

/// The migrations for a service in the order of their application.
std::vector<const Migration*> plan_for(std::string_view service,
                                       std::span<const Migration> migrations) {
  std::vector<const Migration*> plan;
  for (const Migration& migration : migrations) {
    if (migration.source == kSharedSource || migration.source == service) {
      plan.push_back(&migration);
    }
  }
  std::stable_sort(plan.begin(), plan.end(), [](const Migration* a, const Migration* b) {
    const bool a_shared = a->source == kSharedSource;
    const bool b_shared = b->source == kSharedSource;
    return a_shared != b_shared ? a_shared : a->number < b->number;
  });
  return plan;
}

/// What is recorded; absent where nothing ever was.
Result<std::optional<std::vector<Applied>>> read_applied(Session& session,
                                                         std::string_view service) {
  const bool postgresql = session.dialect() == Dialect::postgresql;
  const std::string_view find =
      postgresql ? "SELECT count(*) FROM pg_tables WHERE schemaname || '.' || tablename = :table"
                 : "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = :table";
  const auto found =
      query(session, {"find migrations", service, find},
            Params().add("table", table_name(session.dialect(), service, "schema_migrations")),
            {Type::int64});
  if (found.has_error()) return found.error();
  if (found->front().int64(0) == 0) return std::optional<std::vector<Applied>>();
  const auto rows = query(session,
                          {"read migrations", service,
                           "SELECT source, number, name, checksum FROM {schema_migrations}"
                           " ORDER BY source, number"},
                          Params(), {Type::text, Type::int64, Type::text, Type::text});
  if (rows.has_error()) return rows.error();
  std::vector<Applied> applied;
  for (const auto row : *rows) {
    applied.push_back({std::string(row.text(0)), row.int64(1), std::string(row.text(2)),
                       std::string(row.text(3))});
  }
  return std::optional(std::move(applied));
}

/// What was applied must be what this program knows, in its order; gives the first that is missing.
Result<const Migration*> first_missing(const Session& session, std::string_view service,
                                       const std::vector<const Migration*>& plan,
                                       const std::vector<Applied>& applied) {
  const std::string where = "schema " + std::string(service) + " of " + session.database();
  const auto find = [&](std::string_view source, std::int64_t number) {
    return std::find_if(applied.begin(), applied.end(), [&](const Applied& row) {
      return row.source == source && row.number == number;
    });
  };
  for (const Applied& row : applied) {
    const auto known = std::find_if(plan.begin(), plan.end(), [&](const Migration* migration) {
      return migration->source == row.source && migration->number == row.number;
    });
    if (known != plan.end()) continue;
    return error(Errc::schema_too_new,
                 where + " was migrated by a newer program: it has " + row.source + "/" +
                     std::to_string(row.number) + " " + row.name +
                     ", which this program does not know; run the newer program");
  }
  const Migration* missing = nullptr;
  for (const Migration* migration : plan) {
    const auto row = find(migration->source, migration->number);
    if (row == applied.end()) {
      if (missing == nullptr) missing = migration;
      continue;
    }
    const std::string sum = checksum(migration->sql);
    if (row->checksum == sum) continue;
    return bad("schemas/sql/" + migration->path() + " changed after it was applied to " + where +
               ": checksum " + sum + " now, " + row->checksum +
               " then; put the file back as it was and write the change as a new migration");
  }
  return missing;
}

Status set_limits(Session& session, std::string_view service, std::chrono::milliseconds limit) {
  if (session.dialect() == Dialect::sqlite) return {};
  const std::string name = "dropline.migrate." + std::string(service);
  return session.execute("migration lock",
                         "SET LOCAL lock_timeout = " + std::to_string(limit.count()) +
                             "; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(" +
                             std::to_string(static_cast<std::int64_t>(fnv1a(name))) + ")");
}

Status make_applied_table(Session& session, std::string_view service) {
  if (session.dialect() == Dialect::postgresql) {
    if (auto status =
            session.execute("create schema", "CREATE SCHEMA IF NOT EXISTS " + std::string(service));
        status.has_error()) {
      return status;
    }
  }
  const auto sql = expand(session.dialect(), service, kAppliedSql);
  if (sql.has_error()) return sql.error();
  return session.execute("create schema_migrations", *sql);
}

/// The file may not have ended the transaction it runs in.
bool still_in_transaction(Session::State& state) {
  return state.dialect == Dialect::sqlite ? sqlite_api::sqlite3_get_autocommit(state.sqlite) == 0
                                          : PQtransactionStatus(state.pg) == PQTRANS_INTRANS;
}

Status apply(Session& session, std::string_view service, const Migration& migration) {
  const std::string name = "schemas/sql/" + migration.path();
  const auto sql = expand(session.dialect(), service, migration.sql);
  if (sql.has_error()) return bad(name + ": " + sql.error().detail);
  if (auto status = session.execute(name, *sql); status.has_error()) {
    if (status.error().transient()) return status;
    return bad(status.error().detail + "; nothing of this file was applied");
  }
  if (!still_in_transaction(session.state())) {
    return bad(name + " ends the transaction it runs in: take out its BEGIN, COMMIT or ROLLBACK");
  }
  const auto at = session.now();
  if (at.has_error()) return at.error();
  const Table table = applied_table(service);
  RowBuffer row(table);
  row.add(migration.source).add(migration.number).add(migration.name);
  row.add(checksum(migration.sql)).add(*at);
  const auto done = insert(session, table, row);
  if (done.has_error()) return done.error();
  return {};
}

/// Applies the first file that is missing, alone in a transaction; false: there was none.
Result<bool> step(Session& session, std::string_view service,
                  const std::vector<const Migration*>& plan, const MigrateOptions& options) {
  auto transaction = Transaction::begin(session);
  if (transaction.has_error()) return transaction.error();
  if (auto status = set_limits(session, service, options.lock_limit); status.has_error()) {
    return status.error();
  }
  auto applied = read_applied(session, service);
  if (applied.has_error()) return applied.error();
  if (!*applied) {
    if (auto status = make_applied_table(session, service); status.has_error()) {
      return status.error();
    }
    *applied = std::vector<Applied>();
  }
  const auto missing = first_missing(session, service, plan, **applied);
  if (missing.has_error()) return missing.error();
  if (*missing == nullptr) {
    if (auto status = transaction->commit(); status.has_error()) return status.error();
    return false;
  }
  const auto began = std::chrono::steady_clock::now();
  MigrationStep report{std::string(service), (*missing)->path()};
  if (options.on_step) options.on_step(report);
  if (auto status = apply(session, service, **missing); status.has_error()) {
    return status.error();
  }
  if (auto status = transaction->commit(); status.has_error()) return status.error();
  report.applied = true;
  report.took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  if (options.on_step) options.on_step(report);
  return true;
}

/// While in scope, SQLite waits for its lock as long as a migration may, and PostgreSQL's answers
/// may take as long as they take.
class Patience final {
 public:
  Patience(Session::State& state, std::chrono::milliseconds limit) : state_(state) {
    wait_for_lock(limit);
    state_.unhurried = true;
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
  ~Patience() {
    wait_for_lock(state_.options.lock_limit);
    state_.unhurried = false;
  }

 private:
  void wait_for_lock(std::chrono::milliseconds limit) {
    if (state_.sqlite == nullptr) return;
    sqlite_api::sqlite3_busy_timeout(state_.sqlite, static_cast<int>(limit.count()));
  }
  Session::State& state_;
};

bool is_identifier(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos;
}

/// "…/stock/001_orders.sql"
std::optional<Migration> parse_path(std::string_view path, std::string_view sql) {
  const auto slash = path.rfind('/');
  if (slash == path.npos || !path.ends_with(".sql")) return std::nullopt;
  const std::string_view folder = path.substr(0, slash);
  const auto before = folder.rfind('/');
  const std::string_view source = before == folder.npos ? folder : folder.substr(before + 1);
  std::string_view file = path.substr(slash + 1);
  file.remove_suffix(4);
  int number = 0;
  if (file.size() < 5 || file[3] != '_' || !is_identifier(source)) return std::nullopt;
  const auto [end, code] = std::from_chars(file.data(), file.data() + 3, number);
  if (code != std::errc() || end != file.data() + 3 || number < 1) return std::nullopt;
  if (file.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", 4) != file.npos) {
    return std::nullopt;
  }
  return Migration{source, number, file.substr(4), sql};
}

}  // namespace

std::string Migration::path() const {
  std::string digits = std::to_string(number);
  if (digits.size() < 3) digits.insert(0, 3 - digits.size(), '0');
  return std::string(source) + "/" + digits + "_" + std::string(name) + ".sql";
}

Result<std::vector<Migration>> parse_migrations(
    std::span<const std::pair<std::string_view, std::string_view>> files) {
  std::vector<Migration> migrations;
  for (const auto& [path, sql] : files) {
    const auto migration = parse_path(path, sql);
    if (!migration) {
      return bad("'" + std::string(path) + "' is not named <service>/NNN_name.sql");
    }
    migrations.push_back(*migration);
  }
  std::sort(migrations.begin(), migrations.end(), [](const Migration& a, const Migration& b) {
    return std::pair(a.source, a.number) < std::pair(b.source, b.number);
  });
  std::string_view source;
  int expected = 0;
  for (const Migration& migration : migrations) {
    expected = migration.source == source ? expected + 1 : 1;
    source = migration.source;
    if (migration.number == expected) continue;
    return bad(migration.path() + ": number " + std::to_string(expected) + " is " +
               (migration.number < expected ? "there twice" : "missing"));
  }
  return migrations;
}

Result<MigrateReport> migrate(Session& session, std::string_view service,
                              std::span<const Migration> migrations,
                              const MigrateOptions& options) {
  ensure(is_identifier(service) && service != kSharedSource, "a service has a name of its own");
  const auto plan = plan_for(service, migrations);
  const Patience patience(session.state(), options.lock_limit);
  MigrateReport report{0, plan.size()};
  while (true) {
    const auto applied = step(session, service, plan, options);
    if (applied.has_error()) return applied.error();
    if (!*applied) return report;
    ++report.applied;
  }
}

Status check_schema(Session& session, std::string_view service,
                    std::span<const Migration> migrations) {
  ensure(is_identifier(service) && service != kSharedSource, "a service has a name of its own");
  const auto plan = plan_for(service, migrations);
  auto applied = read_applied(session, service);
  if (applied.has_error()) return applied.error();
  if (!*applied && plan.empty()) return {};
  const auto missing =
      first_missing(session, service, plan, applied->value_or(std::vector<Applied>()));
  if (missing.has_error()) return missing.error();
  if (*missing == nullptr) return {};
  return error(Errc::schema_too_old, "schema " + std::string(service) + " of " +
                                         session.database() + " lacks " + (*missing)->path() +
                                         " and perhaps more; migrate it first");
}

}  // namespace dropline::store
