#include <array>
#include <optional>

#include "dropline/store/errors.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/value.hpp"
#include "scan.hpp"

namespace dropline::store {
namespace {

struct Word {
  std::string_view word;
  std::string_view postgresql;
  std::string_view sqlite;
};

// Text is ordered by byte everywhere, whatever a PostgreSQL server's locale is.
constexpr std::array kWords = {
    Word{"uuid", "uuid", "TEXT"},         Word{"text", "text COLLATE \"C\"", "TEXT"},
    Word{"int64", "bigint", "INTEGER"},   Word{"boolean", "boolean", "INTEGER"},
    Word{"bytes", "bytea", "BLOB"},       Word{"json", "json", "TEXT"},
    Word{"strict", "", "STRICT"},         Word{"clustered", "", "STRICT, WITHOUT ROWID"},
    Word{"for_update", "FOR UPDATE", ""},
};

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kNameCharacters) == text.npos &&
         (text[0] < '0' || text[0] > '9');
}

Error bad(std::string what) {
  return error(Errc::bad_migration, std::move(what));
}

/// `{any:name:type}`, the parts after "any:".
std::optional<std::string> any_of(Dialect dialect, std::string_view parts) {
  const auto colon = parts.find(':');
  if (colon == parts.npos) return std::nullopt;
  const std::string name(parts.substr(0, colon));
  const std::string_view type = parts.substr(colon + 1);
  std::string_view element;
  if (type == "uuid") element = "uuid";
  if (type == "text") element = "text";
  if (type == "int64") element = "bigint";
  if (element.empty() || !is_name(name)) return std::nullopt;
  if (dialect == Dialect::sqlite) return "IN (SELECT value FROM json_each(:" + name + "))";
  return "= ANY(CAST(:" + name + " AS " + std::string(element) + "[]))";
}

std::optional<std::string> meaning(Dialect dialect, std::string_view service,
                                   std::string_view word) {
  for (const auto& known : kWords) {
    if (known.word == word) {
      return std::string(dialect == Dialect::postgresql ? known.postgresql : known.sqlite);
    }
  }
  if (word == "service") return std::string(service);
  if (word.starts_with("any:")) return any_of(dialect, word.substr(4));
  if (word.starts_with("index:") && is_name(word.substr(6))) {
    const std::string name(word.substr(6));
    return dialect == Dialect::postgresql ? name : std::string(service) + "_" + name;
  }
  if (is_name(word)) return table_name(dialect, service, word);
  const auto dot = word.find('.');
  if (dot != word.npos && is_name(word.substr(0, dot)) && is_name(word.substr(dot + 1))) {
    return table_name(dialect, word.substr(0, dot), word.substr(dot + 1));
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view line) {
  const auto from = line.find_first_not_of(" \t\r");
  if (from == line.npos) return {};
  return line.substr(from, line.find_last_not_of(" \t\r") - from + 1);
}

/// Keeps the lines meant for a dialect; the others become empty, so that line numbers stay.
Result<std::string> chosen_lines(Dialect dialect, std::string_view sql) {
  enum class Part { both, ours, theirs };
  const std::string_view mine = dialect == Dialect::postgresql ? "postgresql" : "sqlite";
  Part part = Part::both;
  std::string out;
  out.reserve(sql.size());
  int number = 0;
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t end = std::min(sql.find('\n', at), sql.size());
    const std::string_view line = sql.substr(at, end - at);
    const std::string_view text = trimmed(line);
    at = end + 1;
    ++number;
    if (text.starts_with("-- only ")) {
      const std::string_view dialect_name = trimmed(text.substr(8));
      if (part != Part::both || (dialect_name != "postgresql" && dialect_name != "sqlite")) {
        return bad("line " + std::to_string(number) + ": '" + std::string(text) +
                   "' names no dialect, or stands in another part that has no '-- end'");
      }
      part = dialect_name == mine ? Part::ours : Part::theirs;
    } else if (text == "-- end") {
      if (part == Part::both) {
        return bad("line " + std::to_string(number) + ": '-- end' without '-- only …'");
      }
      part = Part::both;
    } else if (part != Part::theirs) {
      out += line;
    }
    if (end < sql.size()) out += '\n';
  }
  if (part != Part::both) return bad("an '-- only …' part has no '-- end'");
  return out;
}

}  // namespace

std::string table_name(Dialect dialect, std::string_view service, std::string_view name) {
  std::string text(service);
  return text.append(dialect == Dialect::postgresql ? "." : "_").append(name);
}

Result<std::string> expand(Dialect dialect, std::string_view service, std::string_view sql) {
  auto lines = chosen_lines(dialect, sql);
  if (lines.has_error()) return lines.error();
  const std::string_view text = *lines;
  std::string out;
  out.reserve(text.size() + 64);
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t opaque = opaque_length(text, at); opaque != 0) {
      out.append(text, at, opaque);
      at += opaque;
      continue;
    }
    if (text[at] != '{') {
      out += text[at++];
      continue;
    }
    const auto close = text.find('}', at);
    const std::string_view word =
        text.substr(at + 1, close == text.npos ? text.npos : close - at - 1);
    const auto replacement = close == text.npos ? std::nullopt : meaning(dialect, service, word);
    if (!replacement) {
      return bad("'{" + std::string(word.substr(0, 40)) + "}' is no word of this language");
    }
    out += *replacement;
    at = close + 1;
  }
  return out;
}

}  // namespace dropline::store
