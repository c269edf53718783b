#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/audit/finding.hpp"
#include "dropline/store/database.hpp"

namespace dropline::audit {

/// One statement that finds every row that is wrong: two columns, where and what. Services' tables
/// stand in it as {service.table}.
struct TableCheck {
  std::string_view code;
  std::string_view about;
  Reach reach;
  std::string sql;
};

[[nodiscard]] std::span<const TableCheck> stock_checks();
[[nodiscard]] std::span<const TableCheck> payments_checks();
[[nodiscard]] std::span<const TableCheck> ordering_checks();
[[nodiscard]] std::span<const TableCheck> catalog_checks();
[[nodiscard]] std::span<const TableCheck> coupons_checks();
[[nodiscard]] std::span<const TableCheck> deliveries_checks();
[[nodiscard]] std::span<const TableCheck> points_checks();
[[nodiscard]] std::span<const TableCheck> joint_checks();

[[nodiscard]] std::vector<TableCheck> all_table_checks();
/// An error where the statement fails.
[[nodiscard]] Result<Outcome> try_run(store::Session& session, const TableCheck& check);
/// A statement that fails is itself a finding, `unreadable`.
[[nodiscard]] Outcome unreadable(const TableCheck& check, const Error& error);
[[nodiscard]] Outcome run(store::Session& session, const TableCheck& check);

}  // namespace dropline::audit
