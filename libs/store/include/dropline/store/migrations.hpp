#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"

namespace dropline::store {

/// One file `schemas/sql/<source>/NNN_name.sql`, for both dialects. In it stand:
///   {orders}              the table: stock.orders / stock_orders
///   {service}             the bare name of the service whose schema it is
///   {uuid} {text} {int64} {boolean} {bytes} {json}   types (see value.hpp)
///   {strict}              after a table's columns: nothing / STRICT
///   {clustered}           nothing / STRICT, WITHOUT ROWID: for keys that are looked up and updated
///   {index:name}          an index's name, unique in its schema: name / stock_name
///   -- only postgresql … -- end, -- only sqlite … -- end     lines for one dialect
/// A file runs in one transaction: what cannot (CREATE INDEX CONCURRENTLY) does not belong here.
/// Files that were applied anywhere never change: add another.
struct Migration {
  std::string_view source;  ///< a service, or kSharedSource
  int number = 0;
  std::string_view name;
  std::string_view sql;

  [[nodiscard]] std::string path() const;  ///< "stock/001_orders.sql"
};

/// The set that goes into every service's schema: the tables of the consumer loop.
inline constexpr std::string_view kSharedSource = "worker";

/// Paths (…/<source>/NNN_name.sql) and texts, as dropline_embed() puts them into a program, which
/// must outlive the result. Sorted by source and number. Errc::bad_migration for a name of another
/// form, or a number that is missing or there twice.
[[nodiscard]] Result<std::vector<Migration>> parse_migrations(
    std::span<const std::pair<std::string_view, std::string_view>> files);

struct MigrationStep {
  std::string service;
  std::string path;
  bool applied = false;  ///< false: about to begin; true: committed
  std::chrono::microseconds took{0};
};

struct MigrateOptions {
  /// To get the lock while another process migrates the same service, then Errc::busy.
  std::chrono::milliseconds lock_limit{60'000};
  std::function<void(const MigrationStep&)> on_step;
};

struct MigrateReport {
  std::size_t applied = 0;
  std::size_t total = 0;
};

/// Brings the schema of `service` up to date: makes it, applies what is missing of kSharedSource
/// first, then of the service, each file in a transaction of its own with the row that records it.
/// Any number of processes may do so at once. What was applied before is compared by checksum
/// (Errc::bad_migration names the file and both sums); numbers this program does not know are
/// Errc::schema_too_new. A service without files of its own gets the shared set alone.
Result<MigrateReport> migrate(Session& session, std::string_view service,
                              std::span<const Migration> migrations,
                              const MigrateOptions& options = {});

/// Compares only; changes nothing. Errc::schema_too_old where something is missing.
Status check_schema(Session& session, std::string_view service,
                    std::span<const Migration> migrations);

/// The text in force for a dialect: braces and dialect parts replaced. Errc::bad_migration for a
/// word in braces or a part that makes no sense.
[[nodiscard]] Result<std::string> expand(Dialect dialect, std::string_view service,
                                         std::string_view sql);

/// `stock.orders` or `stock_orders`.
[[nodiscard]] std::string table_name(Dialect dialect, std::string_view service,
                                     std::string_view name);

}  // namespace dropline::store
