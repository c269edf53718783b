#include "table_check.hpp"

#include "dropline/store/table.hpp"

namespace dropline::audit {

using store::Type;

std::vector<TableCheck> all_table_checks() {
  std::vector<TableCheck> all;
  for (const auto checks : {stock_checks(), payments_checks(), ordering_checks(), catalog_checks(),
                            coupons_checks(), deliveries_checks(), points_checks(), joint_checks()})
    all.insert(all.end(), checks.begin(), checks.end());
  return all;
}

Result<Outcome> try_run(store::Session& session, const TableCheck& check) {
  Outcome outcome{std::string(check.code), std::string(check.about), check.reach, 0, {}, false};
  const auto sql =
      "SELECT w, t, COUNT(*) OVER () FROM (" + check.sql + ") AS found ORDER BY w, t LIMIT :most";
  store::Params params;
  params.add("most", kMaxFindings);
  const auto rows = store::query(session, {check.code, "stock", sql}, params,
                                 {Type::text, Type::text, Type::int64});
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    outcome.found = row.int64(2);
    outcome.findings.push_back(
        {outcome.code,
         row.is_null(0) ? std::string("a row without a key") : std::string(row.text(0)),
         row.is_null(1) ? std::string("a value is missing") : std::string(row.text(1))});
  }
  return outcome;
}

Outcome unreadable(const TableCheck& check, const Error& error) {
  Outcome outcome{std::string(check.code), std::string(check.about), Reach::always, 1, {}, false};
  outcome.findings.push_back({"unreadable", outcome.code, error.text()});
  return outcome;
}

Outcome run(store::Session& session, const TableCheck& check) {
  auto outcome = try_run(session, check);
  return outcome ? std::move(*outcome) : unreadable(check, outcome.error());
}

}  // namespace dropline::audit
