#include "table_sql.hpp"

#include "dropline/store/migrations.hpp"
#include "postgresql.hpp"

namespace dropline::store {
namespace {

template <class Each>
std::string joined(std::size_t count, std::string_view between, Each each) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) text += between;
    text += each(i);
  }
  return text;
}

std::string name_of(const Table& table, std::size_t column) {
  return std::string(table.columns[column].name);
}

std::string all_names(const Table& table, const std::string& prefix = "") {
  return joined(table.columns.size(), ", ",
                [&](std::size_t i) { return prefix + name_of(table, i); });
}

/// unnest(CAST($1 AS uuid[]), …) AS k(c1, …)
std::string unnested(const Table& table, std::span<const std::size_t> columns) {
  return "unnest(" +
         joined(columns.size(), ", ",
                [&](std::size_t i) {
                  return "CAST($" + std::to_string(i + 1) + " AS " +
                         std::string(postgresql::sql_type(table.columns[columns[i]].type)) + "[])";
                }) +
         ") AS k(" +
         joined(columns.size(), ", ", [](std::size_t i) { return "c" + std::to_string(i + 1); }) +
         ")";
}

/// What add_to puts into a column. SQLite would turn a sum that overflows into a real number.
std::string sum(Dialect dialect, const std::string& name) {
  const std::string plain = "t." + name + " + excluded." + name;
  if (dialect == Dialect::postgresql) return plain;
  return "CASE typeof(" + plain + ") WHEN 'real' THEN abs(-9223372036854775807 - 1) ELSE " + plain +
         " END";
}

std::string conflict(Dialect dialect, Verb verb, const Table& table) {
  if (verb == Verb::insert) return "";
  const std::string keys =
      joined(table.key, ", ", [&](std::size_t i) { return name_of(table, i); });
  std::string text = " ON CONFLICT (" + keys + ") DO ";
  if (verb == Verb::insert_new || table.key == table.columns.size()) return text + "NOTHING";
  return text + "UPDATE SET " + joined(table.columns.size() - table.key, ", ", [&](std::size_t i) {
           const Column& column = table.columns[table.key + i];
           const std::string name(column.name);
           const bool adds = verb == Verb::add_to && column.type == Type::int64;
           return name + " = " + (adds ? sum(dialect, name) : "excluded." + name);
         });
}

std::string insert_sql(Dialect dialect, Verb verb, const Table& table,
                       std::span<const std::size_t> columns) {
  const std::string into = "INSERT INTO " + table_name(dialect, table.service, table.name) +
                           " AS t (" + all_names(table) + ") ";
  const std::string rows = dialect == Dialect::postgresql
                               ? "SELECT * FROM " + unnested(table, columns)
                               : "VALUES (" + joined(columns.size(), ", ", [](std::size_t i) {
                                   return "?" + std::to_string(i + 1);
                                 }) + ")";
  return into + rows + conflict(dialect, verb, table);
}

/// Each key is looked up by itself: OFFSET 0 keeps the planner from turning this into a join, whose
/// best plan for a table that was small when the plan was made reads all of it when it is large.
/// Rows are met, and locked, in the order of the keys and within one key in the primary key's.
std::string found_postgresql(const Table& table, std::span<const std::size_t> columns,
                             const std::string& selected, bool lock) {
  const std::string matches = joined(columns.size(), " AND ", [&](std::size_t i) {
    return "x." + name_of(table, columns[i]) + " = k.c" + std::to_string(i + 1);
  });
  const std::string order =
      columns.size() == table.key && columns.back() + 1 == table.key
          ? ""
          : " ORDER BY " + joined(table.key, ", ", [&](std::size_t i) {
              const bool text = table.columns[i].type == Type::text;
              return "x." + name_of(table, i) + (text ? " COLLATE \"C\"" : "");
            });
  return "FROM " + unnested(table, columns) + " CROSS JOIN LATERAL (SELECT " + selected + " FROM " +
         table_name(Dialect::postgresql, table.service, table.name) + " AS x WHERE " + matches +
         order + " OFFSET 0" + (lock ? " FOR UPDATE" : "") + ") AS t";
}

std::string load_sql(Dialect dialect, Verb verb, const Table& table,
                     std::span<const std::size_t> columns) {
  if (dialect == Dialect::postgresql) {
    return "SELECT t.* " +
           found_postgresql(table, columns, all_names(table, "x."), verb == Verb::load_locked);
  }
  return "SELECT " + all_names(table) + " FROM " + table_name(dialect, table.service, table.name) +
         " WHERE " +
         joined(columns.size(), " AND ",
                [&](std::size_t i) {
                  return name_of(table, columns[i]) + " = ?" + std::to_string(i + 1);
                }) +
         " ORDER BY " + joined(table.key, ", ", [&](std::size_t i) { return name_of(table, i); });
}

/// Takes locks and answers only their number.
std::string lock_sql(const Table& table, std::span<const std::size_t> columns) {
  return "SELECT count(*) " + found_postgresql(table, columns, "1", true);
}

/// On PostgreSQL the rows are locked by then, in order, by a statement before this one: a version
/// that came about while that one waited is seen only by a later statement.
std::string erase_sql(Dialect dialect, const Table& table, std::span<const std::size_t> columns) {
  const std::string name = table_name(dialect, table.service, table.name);
  if (dialect == Dialect::postgresql) {
    return "DELETE FROM " + name + " WHERE ctid = ANY(ARRAY(SELECT t.ctid " +
           found_postgresql(table, columns, "x.ctid", false) + "))";
  }
  return "DELETE FROM " + name + " WHERE " + joined(columns.size(), " AND ", [&](std::size_t i) {
           return name_of(table, columns[i]) + " = ?" + std::to_string(i + 1);
         });
}

}  // namespace

std::string_view verb_name(Verb verb) noexcept {
  switch (verb) {
    case Verb::insert:
      return "insert";
    case Verb::insert_new:
      return "insert new";
    case Verb::upsert:
      return "upsert";
    case Verb::add_to:
      return "add to";
    case Verb::load:
      return "load";
    case Verb::load_locked:
      return "load and lock";
    case Verb::lock:
      return "lock to erase";
    case Verb::erase:
      return "erase";
  }
  return "";
}

std::string table_sql(Dialect dialect, Verb verb, const Table& table,
                      std::span<const std::size_t> columns) {
  switch (verb) {
    case Verb::load:
    case Verb::load_locked:
      return load_sql(dialect, verb, table, columns);
    case Verb::lock:
      return lock_sql(table, columns);
    case Verb::erase:
      return erase_sql(dialect, table, columns);
    default:
      return insert_sql(dialect, verb, table, columns);
  }
}

}  // namespace dropline::store
