#include "dropline/config/settings.hpp"

#include <algorithm>
#include <initializer_list>

#include "dropline/base/ensure.hpp"
#include "names.hpp"
#include "settings_state.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

const Entry& entry_of(const std::map<std::string, Entry, std::less<>>& entries,
                      std::string_view name) {
  const auto found = entries.find(name);
  if (found == entries.end()) {
    const std::string message = "no option is named " + std::string(name);
    ensure(false, message.c_str());
  }
  return found->second;
}

const std::string& value_of(const std::map<std::string, Entry, std::less<>>& entries,
                            std::string_view name, std::initializer_list<Type> types) {
  const Entry& entry = entry_of(entries, name);
  if (std::find(types.begin(), types.end(), entry.option->type()) == types.end() ||
      !entry.given.value) {
    const std::string message = "option " + std::string(name) + " is unset or of another type";
    ensure(false, message.c_str());
  }
  return *entry.given.value;
}

/// As people may see it, not yet made fit for a terminal.
std::string disclosed(const Option& option, const std::string& value) {
  if (option.type() == Type::secret) return std::string(Secret::kHidden);
  // A text may be a URL where several forms are taken.
  const bool may_be_url = option.type() == Type::url || option.type() == Type::text;
  return may_be_url ? redact_url(value) : value;
}

std::string disclosed_pair(const std::string& key, const std::string& value) {
  return looks_secret(key) ? std::string(Secret::kHidden) : redact_url(value);
}

struct Row {
  std::string name;
  std::string value;
  std::string origin;
  bool set = true;
  bool reloadable = false;
};

std::vector<Row> rows_of(const Schema& schema,
                         const std::map<std::string, Entry, std::less<>>& entries) {
  std::vector<Row> rows;
  for (const Option& option : schema.options()) {
    const Entry& entry = entry_of(entries, option.name());
    if (option.type() != Type::map) {
      const auto& value = entry.given.value;
      rows.push_back({option.name(), value ? disclosed(option, *value) : std::string(),
                      entry.given.origin, value.has_value(), option.is_reloadable()});
      continue;
    }
    for (const auto& [key, value] : entry.pairs) {
      rows.push_back({option.name() + "." + key, disclosed_pair(key, value),
                      entry.pair_origins.at(key).origin, true, option.is_reloadable()});
    }
    if (entry.pairs.empty()) {
      rows.push_back({option.name(), "", "default", false, option.is_reloadable()});
    }
  }
  return rows;
}

}  // namespace

bool Settings::has(std::string_view name) const {
  const Entry& entry = entry_of(state_->entries, name);
  return entry.given.value.has_value() || !entry.pairs.empty();
}

const std::string& Settings::text(std::string_view name) const {
  return value_of(state_->entries, name, {Type::text, Type::choice, Type::url, Type::path});
}

// What is stored was read once when it was loaded, so these reads succeed.
std::int64_t Settings::integer(std::string_view name) const {
  return parse_integer(value_of(state_->entries, name, {Type::integer})).value();
}

double Settings::number(std::string_view name) const {
  return parse_number(value_of(state_->entries, name, {Type::number})).value();
}

bool Settings::boolean(std::string_view name) const {
  return parse_boolean(value_of(state_->entries, name, {Type::boolean})).value();
}

std::chrono::nanoseconds Settings::nanoseconds(std::string_view name) const {
  return parse_duration(value_of(state_->entries, name, {Type::duration})).value();
}

std::int64_t Settings::bytes(std::string_view name) const {
  return parse_bytes(value_of(state_->entries, name, {Type::bytes})).value();
}

std::vector<std::string> Settings::list(std::string_view name) const {
  const std::string& text = value_of(state_->entries, name, {Type::list});
  return text.empty() ? std::vector<std::string>() : split(text, ',');
}

Address Settings::address(std::string_view name) const {
  return parse_address(value_of(state_->entries, name, {Type::address})).value();
}

Secret Settings::secret(std::string_view name) const {
  return Secret(value_of(state_->entries, name, {Type::secret}));
}

const std::map<std::string, std::string>& Settings::map(std::string_view name) const {
  const Entry& entry = entry_of(state_->entries, name);
  ensure(entry.option->type() == Type::map, "only a map is asked for as one");
  return entry.pairs;
}

Layer Settings::layer(std::string_view name) const {
  return entry_of(state_->entries, name).given.layer;
}

std::string Settings::origin(std::string_view name) const {
  return entry_of(state_->entries, name).given.origin;
}

std::string Settings::shown(std::string_view name) const {
  const Entry& entry = entry_of(state_->entries, name);
  if (entry.option->type() != Type::map) {
    return entry.given.value ? printable(disclosed(*entry.option, *entry.given.value))
                             : std::string();
  }
  std::vector<std::string> pairs;
  for (const auto& [key, value] : entry.pairs) {
    pairs.push_back(printable(key + "=" + disclosed_pair(key, value)));
  }
  return join(pairs, ", ");
}

const std::vector<std::string>& Settings::warnings() const noexcept {
  return state_->warnings;
}

std::string Settings::describe() const {
  std::vector<Row> rows = rows_of(*state_->schema, state_->entries);
  rows.insert(rows.begin(), Row{"OPTION", "VALUE", "FROM"});
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  constexpr std::size_t kWidestValue = 48;
  for (Row& row : rows) {
    row.name = printable(row.name);
    row.value = row.set ? printable(row.value) : "(not set)";
    name_width = std::max(name_width, row.name.size());
    value_width = std::max(value_width, std::min(row.value.size(), kWidestValue));
  }
  std::string out;
  for (const Row& row : rows) {
    out += padded(row.name, name_width) + "  " + padded(row.value, value_width) + "  " +
           row.origin + "\n";
  }
  for (const std::string& warning : state_->warnings)
    out += "warning: " + warning + "\n";
  return out;
}

std::string Settings::describe_json() const {
  std::string out = "[";
  for (const Row& row : rows_of(*state_->schema, state_->entries)) {
    out += out.size() > 1 ? ",\n " : "\n ";
    out += "{\"name\":" + quoted(row.name) +
           ",\"value\":" + (row.set ? quoted(row.value) : std::string("null")) +
           ",\"from\":" + quoted(row.origin) +
           ",\"reloadable\":" + (row.reloadable ? "true" : "false") + "}";
  }
  return out + "\n]\n";
}

std::vector<Settings::Change> Settings::changes(const Settings& newer) const {
  std::vector<Change> changes;
  for (const auto& [name, entry] : state_->entries) {
    const auto other = newer.state_->entries.find(name);
    if (other != newer.state_->entries.end() && entry.given.value == other->second.given.value &&
        entry.pairs == other->second.pairs) {
      continue;
    }
    changes.push_back({name, entry.option->is_reloadable()});
  }
  return changes;
}

}  // namespace dropline::config
