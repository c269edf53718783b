#include "cells.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "dropline/store/table.hpp"

namespace dropline::audit::testing {
namespace {

using store::Type;

/// Rows of a table whose cells are changed; the first by key.
constexpr std::size_t kRows = 12;

store::Rows ask(store::Session& session, const std::string& sql,
                std::initializer_list<Type> types) {
  auto rows = store::query(session, {"catalogue", "stock", sql}, {}, types);
  REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text() + ": " + sql));
  return std::move(*rows);
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text)
    out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

/// A value to put into a cell, and where in the cell: empty, or the path of a JSON leaf.
struct Other {
  std::string path;
  std::optional<std::string> value;
};

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == text.npos;
}

void add_numbers(std::vector<Other>& out, const std::string& path, std::string_view before,
                 std::string_view number, std::string_view after) {
  for (const int by : {1, -1})
    out.push_back({path, std::string(before) +
                             std::to_string(std::stoll(std::string(number)) + by) +
                             std::string(after)});
}

/// The leaves of a JSON text, each replaced in the whole text.
class Leaves final {
 public:
  Leaves(std::string_view text, std::vector<Other>& out) : text_(text), out_(out) { value(""); }

 private:
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
  }
  std::string_view string() {
    const auto begin = ++at_;
    while (text_[at_] != '"')
      at_ += text_[at_] == '\\' ? 2 : 1;
    return text_.substr(begin, at_++ - begin);
  }
  void replace(const std::string& path, std::size_t begin, std::string_view by) {
    out_.push_back({path, std::string(text_.substr(0, begin)) + std::string(by) +
                              std::string(text_.substr(at_))});
  }
  void members(const std::string& path) {
    for (++at_, space(); text_[at_] != '}'; space()) {
      if (text_[at_] == ',') ++at_;
      space();
      const std::string name(string());
      space();
      ++at_;
      value(path.empty() ? name : path + '.' + name);
    }
    ++at_;
  }
  void elements(const std::string& path) {
    for (++at_, space(); text_[at_] != ']'; space()) {
      if (text_[at_] == ',') ++at_;
      value(path + "[]");
    }
    ++at_;
  }
  void value(const std::string& path) {
    space();
    const auto begin = at_;
    if (text_[at_] == '{') return members(path);
    if (text_[at_] == '[') return elements(path);
    if (text_[at_] == '"') {
      const auto was = string();
      // Another id of the same form, another time, another word.
      std::string by(was);
      if (by.empty()) {
        by = "x";
      } else {
        char& last = by[by.size() > 20 ? by.size() - 2 : by.size() - 1];
        last = last == '1' ? '2' : last >= '0' && last <= '9' ? '1' : last == 'e' ? 'a' : 'e';
      }
      return replace(path, begin, '"' + by + '"');
    }
    while (at_ < text_.size() && text_.substr(at_, 1).find_first_of(",]} \n\t") == text_.npos)
      ++at_;
    const auto was = text_.substr(begin, at_ - begin);
    if (is_number(was)) {
      add_numbers(out_, path, text_.substr(0, begin), was, text_.substr(at_));
    } else {
      replace(path, begin, was == "true" ? "false" : "true");
    }
  }

  std::string_view text_;
  std::vector<Other>& out_;
  std::size_t at_ = 0;
};

/// Lines of words and numbers, as the loop keeps positions: each number by itself.
void add_lines(std::vector<Other>& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find_first_of(" \n", at), text.size());
    const auto word = text.substr(at, end - at);
    const auto line = text.substr(0, at).rfind('\n');
    const auto begin = line == text.npos ? 0 : line + 1;
    const auto place = std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                  text.begin() + static_cast<std::ptrdiff_t>(at), ' ');
    if (is_number(word))
      add_numbers(out, "word " + std::to_string(place), text.substr(0, at), word, text.substr(end));
    at = end + 1;
  }
}

/// What may be put into a cell that holds `value`; `another` is a value of other rows.
std::vector<Other> others(const CatalogueColumn& column, const std::optional<std::string>& value,
                          const std::optional<std::string>& another) {
  const bool number = column.type == "bigint" || column.type == "integer";
  std::vector<Other> out;
  if (value && column.nullable) out.push_back({"", std::nullopt});
  if (column.type == "boolean") {
    out.push_back({"", value && (*value == "true" || *value == "1") ? "false" : "true"});
  } else if (number) {
    if (value) add_numbers(out, "", "", *value, "");
    if (!value) out.push_back({"", "1"});
  } else if (value && (column.type == "json" || value->starts_with('{'))) {
    Leaves(*value, out);
  } else if (value && value->find('\n') != std::string::npos) {
    add_lines(out, *value);
  } else {
    if (another) out.push_back({"", *another});
    const bool id = value ? value->size() == 36 && (*value)[8] == '-' : column.type == "uuid";
    if (id) {
      out.push_back({"", "0e000000-0000-8000-8000-0000000000ff"});
    } else {
      out.push_back({"", value.value_or("") + 'x'});
    }
  }
  return out;
}

/// The service's own name of a table: offers of stock, stock_offers or stock.offers.
std::string plain(std::string_view service, const std::string& table) {
  return std::string(service) + '.' + table.substr(service.size() + 1);
}

std::string cast_to(store::Dialect dialect, const std::string& type,
                    const std::optional<std::string>& value) {
  if (!value) return "NULL";
  if (dialect == store::Dialect::postgresql) return "CAST(" + quoted(*value) + " AS " + type + ")";
  if (*value == "true" || *value == "false") return *value;
  return type == "text" ? quoted(*value) : "CAST(" + quoted(*value) + " AS " + type + ")";
}

class TableCells final {
 public:
  TableCells(store::Session& session, std::string_view service,
             std::span<const CatalogueColumn> columns)
      : session_(session), service_(service), columns_(columns) {
    for (const auto& column : columns)
      if (column.key) keys_.push_back(column.name);
  }

  /// False where there is no row.
  bool collect(std::vector<Cell>& out) {
    std::string list;
    for (const auto& key : keys_)
      list += (list.empty() ? "" : " || ' AND ' || ") +
              ("'" + key + " = ''' || CAST(" + key + " AS text) || ''''");
    const auto& table = columns_.front().table;
    const auto wheres =
        ask(session_,
            "SELECT " + list + " AS w FROM " + table + " ORDER BY w LIMIT " + std::to_string(kRows),
            {Type::text});
    for (const auto where : wheres)
      for (const auto& column : columns_)
        collect(column, std::string(where.text(0)), out);
    return !wheres.empty();
  }

 private:
  void collect(const CatalogueColumn& column, const std::string& where, std::vector<Cell>& out) {
    if (column.type == "bytea" || column.type == "blob") return;
    const auto& table = column.table;
    const auto rows = ask(session_,
                          "SELECT CAST(" + column.name + " AS text), (SELECT MIN(CAST(o." +
                              column.name + " AS text)) FROM " + table + " o WHERE CAST(o." +
                              column.name + " AS text) <> COALESCE(CAST(t." + column.name +
                              " AS text), '')) FROM " + table + " t WHERE " + where,
                          {Type::text, Type::text});
    REQUIRE(rows.size() == 1);
    const auto text = [&rows](std::size_t i) {
      return rows.front().is_null(i) ? std::nullopt
                                     : std::optional<std::string>(rows.front().text(i));
    };
    for (const auto& other : others(column, text(0), text(1)))
      out.push_back({plain(service_, table) + '.' + column.name +
                         (other.path.empty() ? "" : ':' + other.path),
                     where,
                     "UPDATE " + table + " SET " + column.name + " = " +
                         cast_to(session_.dialect(), column.type, other.value) + " WHERE " + where,
                     text(0).value_or("null") + " → " + other.value.value_or("null")});
  }

  store::Session& session_;
  std::string_view service_;
  std::span<const CatalogueColumn> columns_;
  std::vector<std::string> keys_;
};

}  // namespace

std::vector<CatalogueColumn> catalogue(store::Session& session, std::string_view service) {
  const std::string name(service);
  const auto sql =
      session.dialect() == store::Dialect::sqlite
          ? "SELECT m.name, c.name, lower(c.type), c.\"notnull\" = 0, c.pk > 0 "
            "FROM sqlite_master m CROSS JOIN pragma_table_info(m.name) c WHERE m.type = 'table' "
            "AND m.name GLOB '" +
                name +
                "_*' AND m.name NOT GLOB '*_schema_migrations' "
                "ORDER BY m.name, c.cid"
          : "SELECT c.table_schema || '.' || c.table_name, CAST(c.column_name AS text), "
            "CAST(c.data_type AS text), c.is_nullable = 'YES', EXISTS ("
            "SELECT 1 FROM information_schema.key_column_usage k "
            "JOIN information_schema.table_constraints x USING (constraint_schema, "
            "constraint_name) WHERE x.constraint_type = 'PRIMARY KEY' AND k.table_schema = "
            "c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name) "
            "FROM information_schema.columns c WHERE c.table_schema = '" +
                name +
                "' AND c.table_name <> 'schema_migrations' ORDER BY c.table_name, "
                "c.ordinal_position";
  std::vector<CatalogueColumn> columns;
  for (const auto row :
       ask(session, sql, {Type::text, Type::text, Type::text, Type::boolean, Type::boolean}))
    columns.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                       row.boolean(3), row.boolean(4)});
  return columns;
}

std::vector<Cell> cells(store::Session& session, std::string_view service,
                        std::vector<std::string>& empty) {
  const auto columns = catalogue(session, service);
  REQUIRE_FALSE(columns.empty());
  std::vector<Cell> out;
  for (auto from = columns.begin(); from != columns.end();) {
    const auto to = std::find_if(from, columns.end(), [&from](const CatalogueColumn& column) {
      return column.table != from->table;
    });
    if (!TableCells(session, service, std::span(from, to)).collect(out))
      empty.push_back(plain(service, from->table));
    from = to;
  }
  return out;
}

}  // namespace dropline::audit::testing
