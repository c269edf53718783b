#include <unistd.h>

#include <algorithm>
#include <set>

#include "dropline/config/settings.hpp"
#include "names.hpp"
#include "secret_file.hpp"
#include "settings_state.hpp"
#include "text.hpp"
#include "toml_reader.hpp"

namespace dropline::config {
namespace {

using Kind = TomlNode::Kind;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

/// Why a TOML value of this kind does not do for the option; empty where it does.
std::string wrong_kind(const Option& option, const TomlNode& node) {
  const Kind kind = node.kind;
  const auto needs = [&](std::string_view form) {
    return "it is " + kind_text(kind) + "; " + option.allowed() + " is needed" + std::string(form);
  };
  switch (option.type()) {
    case Type::integer:
      if (kind == Kind::integer) return {};
      return needs(kind == Kind::text ? ", written without quotes" : "");
    case Type::number:
      return kind == Kind::integer || kind == Kind::number ? std::string() : needs("");
    case Type::boolean:
      if (kind == Kind::boolean) return {};
      return needs(kind == Kind::text ? ", written without quotes" : "");
    case Type::bytes:
      return kind == Kind::integer || kind == Kind::text ? std::string() : needs("");
    case Type::duration:
      if (kind == Kind::text || (kind == Kind::integer && node.text == "0")) return {};
      return needs(kind == Kind::integer ? ", with its unit, such as \"" + node.text + "s\""
                                         : ", in quotes");
    case Type::list:
      return kind == Kind::list ? std::string() : needs(", such as [\"one\", \"two\"]");
    case Type::map:
      return kind == Kind::table ? std::string() : needs("");
    default:
      return kind == Kind::text ? std::string() : needs(", in quotes");
  }
}

}  // namespace

/// One run of load(): the layers from the lowest up, every problem kept.
class Loader final {
 public:
  Loader(const Schema& schema, const Sources& sources)
      : schema_(std::make_shared<const Schema>(schema)), sources_(sources) {
    for (const Option& option : schema_->options()) {
      Entry entry;
      entry.option = &option;
      if (option.fallback()) entry.given.value = option.canonical(*option.fallback()).value();
      entries_.emplace(option.name(), std::move(entry));
    }
  }

  Result<Settings> load() {
    read_file_layer();
    read_environment();
    read_flags();
    check_required();
    if (problems_.empty()) {
      auto state = std::make_shared<Settings::State>();
      state->schema = schema_;
      state->entries = std::move(entries_);
      state->warnings = std::move(warnings_);
      Settings settings(std::move(state));
      for (const auto& rule : schema_->rules_) {
        if (std::string problem = rule(settings); !problem.empty()) {
          problems_.push_back(error(Errc::bad_value, std::move(problem)));
        }
      }
      if (problems_.empty()) return settings;
    }
    std::vector<std::string> lines;
    for (const Error& problem : problems_)
      lines.push_back(problem.detail);
    return Error{problems_.front().code, join(lines, "\n")};
  }

 private:
  /// Where a value was met.
  struct Place {
    Layer layer;
    std::string origin;       ///< as `config` shows it
    std::string named;        ///< as an error begins: origin and key, without the value
    std::string folder = {};  ///< what relative paths start from
  };

  void problem(Errc code, std::string detail) {
    problems_.push_back(error(code, std::move(detail)));
  }
  void unknown(const std::string& where, std::string_view what, std::string_view name,
               const std::vector<std::string>& known) {
    const std::string near = nearest(name, known);
    problem(Errc::unknown_key, where + "unknown " + std::string(what) + " " + printable(name) +
                                   (near.empty() ? "" : "; did you mean " + near + "?"));
  }

  void give(const Option& option, const Place& place, std::string_view text);
  void give_secret_file(const Option& option, const Place& place, const std::string& path);
  void give_pair(const Option& option, const Place& place, std::string key, std::string value);
  void give_pair_text(const Option& option, const Place& place, std::string_view pair);
  void set(const Option& option, const Place& place, std::string value);

  void read_file_layer();
  void read_table(const TomlNode& table, const std::string& path);
  void read_node(const TomlNode& node, const std::string& name);
  void read_pairs(const Option& option, const TomlNode& table, const std::string& prefix);
  [[nodiscard]] Place file_place(const TomlNode& node, const std::string& name) const;
  void read_environment();
  void read_variable(std::string_view name, const std::string& value);
  void read_flags();
  void read_flag(const std::string& flag, const std::string& value);
  void check_required();

  std::shared_ptr<const Schema> schema_;
  const Sources& sources_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::pair<std::string, Layer>, std::string> secret_origins_;
  std::set<std::string> failed_;  // given, but wrongly: not missing
  std::vector<std::string> warnings_;
  std::vector<Error> problems_;
};

void Loader::set(const Option& option, const Place& place, std::string value) {
  Given& given = entries_.find(option.name())->second.given;
  // A flag may add to a list that another flag began.
  if (option.type() == Type::list && place.layer == Layer::flag && given.layer == Layer::flag &&
      given.value && !given.value->empty()) {
    value = *given.value + "," + value;
    const auto whole = option.canonical(value);
    if (!whole) return problem(Errc::bad_value, place.named + ": " + whole.error().detail);
  }
  given = Given{place.layer, place.origin, std::move(value)};
}

void Loader::give(const Option& option, const Place& place, std::string_view text) {
  auto value = option.canonical(text);
  if (!value) {
    failed_.insert(option.name());
    const bool secret = option.type() == Type::secret;
    const std::string shown =
        secret ? std::string(Secret::kHidden)
               : quoted(option.type() == Type::url ? redact_url(text) : std::string(text));
    return problem(Errc::bad_value,
                   place.named + ": " + shown + " is not allowed: " + value.error().detail);
  }
  if (option.type() == Type::secret) {
    const auto [known, fresh] =
        secret_origins_.try_emplace({option.name(), place.layer}, place.named);
    if (!fresh && known->second != place.named) {
      return problem(Errc::bad_value, place.named + ": the secret is also given by " +
                                          known->second + "; keep one of them");
    }
    if (place.layer == Layer::flag && place.origin == option.flag()) {
      warnings_.push_back("the secret given by " + place.origin +
                          " shows in the list of processes; use " + option.flag() + "-file");
    }
  }
  if (option.type() == Type::path && !value->starts_with('/')) *value = place.folder + *value;
  set(option, place, std::move(*value));
}

void Loader::give_secret_file(const Option& option, const Place& place, const std::string& path) {
  const std::string whole = path.starts_with('/') ? path : place.folder + path;
  auto text = path.empty() ? Result<std::string>(error(Errc::bad_value, "the file's name is empty"))
                           : read_secret_file(whole, warnings_);
  if (!text) {
    failed_.insert(option.name());
    problems_.push_back({text.error().code, place.named + ": " + text.error().detail});
    return;
  }
  give(option, place, *text);
}

void Loader::give_pair(const Option& option, const Place& place, std::string key,
                       std::string value) {
  if (key.size() > kFileSuffix.size() && key.ends_with(kFileSuffix)) {
    key.resize(key.size() - kFileSuffix.size());
    auto text = read_secret_file(value.starts_with('/') ? value : place.folder + value, warnings_);
    if (!text) {
      problems_.push_back({text.error().code, place.named + ": " + text.error().detail});
      return;
    }
    value = *text;
  }
  Entry& entry = entries_.find(option.name())->second;
  entry.pairs.insert_or_assign(key, std::move(value));
  entry.pair_origins.insert_or_assign(std::move(key), Given{place.layer, place.origin, {}});
  if (place.layer >= entry.given.layer) {
    entry.given.layer = place.layer;
    entry.given.origin = place.origin;
  }
}

void Loader::give_pair_text(const Option& option, const Place& place, std::string_view pair) {
  const auto equals = pair.find('=');
  const std::string_view key = trim(pair.substr(0, equals));
  if (equals == std::string_view::npos || key.empty()) {
    return problem(Errc::bad_value,
                   place.named + ": " + quoted(key) + " is not allowed: a pair is key=value");
  }
  give_pair(option, place, std::string(key), std::string(pair.substr(equals + 1)));
}

void Loader::read_file_layer() {
  if (sources_.file.empty()) return;
  const auto text = config::read_file(sources_.file, kMaxFileBytes);
  if (!text) {
    problems_.push_back(text.error());
    return;
  }
  const auto root = read_toml(*text, sources_.file);
  if (!root) {
    problems_.push_back(root.error());
    return;
  }
  read_table(*root, "");
}

Loader::Place Loader::file_place(const TomlNode& node, const std::string& name) const {
  std::string origin = sources_.file + ":" + std::to_string(node.line);
  std::string named = origin + ": " + printable(name);
  return {Layer::file, std::move(origin), std::move(named), folder_of(sources_.file)};
}

void Loader::read_table(const TomlNode& table, const std::string& path) {
  for (const TomlNode& node : table.children) {
    read_node(node, path.empty() ? node.key : path + "." + node.key);
  }
}

void Loader::read_node(const TomlNode& node, const std::string& name) {
  const Place place = file_place(node, name);
  const Option* option = schema_->find(name);
  if (!option && name.ends_with(kFileSuffix)) {
    const Option* secret = schema_->find(name.substr(0, name.size() - kFileSuffix.size()));
    if (secret && secret->type() == Type::secret && !secret->is_flag_only()) {
      if (node.kind == Kind::text) return give_secret_file(*secret, place, node.text);
      return problem(Errc::bad_value, place.named + ": it is " + kind_text(node.kind) +
                                          "; a file's name in quotes is needed");
    }
  }
  if (option && option->is_flag_only()) {
    return problem(Errc::unknown_key, place.named + ": may only be given as " + option->flag());
  }
  if (option) {
    if (const std::string wrong = wrong_kind(*option, node); !wrong.empty()) {
      failed_.insert(option->name());
      return problem(Errc::bad_value, place.named + ": " + wrong);
    }
    if (option->type() == Type::map) return read_pairs(*option, node, "");
    if (option->type() != Type::list) return give(*option, place, node.text);
    for (const std::string& item : node.items) {
      if (item.find(',') == std::string::npos) continue;
      return problem(Errc::bad_value, place.named + ": " + quoted(item) +
                                          " is not allowed: an item of a list has no comma");
    }
    return give(*option, place, join(node.items, ","));
  }
  const bool section =
      std::any_of(schema_->options().begin(), schema_->options().end(),
                  [&](const Option& known) { return known.name().starts_with(name + "."); });
  if (section && node.kind == Kind::table) return read_table(node, name);
  if (section) {
    return problem(Errc::bad_value, place.named + ": it is " + kind_text(node.kind) +
                                        ", but a section, written [" + name + "], is needed");
  }
  std::vector<std::string> known;
  for (const Option& each : schema_->options())
    known.push_back(each.name());
  for (const auto& each : schema_->sections()) {
    if (node.kind == Kind::table && !each.name.empty()) known.push_back(each.name);
  }
  unknown(place.origin + ": ", node.kind == Kind::table ? "section" : "key", name, known);
}

void Loader::read_pairs(const Option& option, const TomlNode& table, const std::string& prefix) {
  for (const TomlNode& node : table.children) {
    const std::string key = prefix.empty() ? node.key : prefix + "." + node.key;
    const Place place = file_place(node, option.name() + "." + key);
    switch (node.kind) {
      case Kind::table:
        read_pairs(option, node, key);
        break;
      case Kind::text:
      case Kind::integer:
      case Kind::number:
      case Kind::boolean:
        give_pair(option, place, key, node.text);
        break;
      case Kind::list:
        give_pair(option, place, key, join(node.items, ","));
        break;
      default:
        problem(Errc::bad_value, place.named + ": it is " + kind_text(node.kind) +
                                     "; a text, number, boolean or list of texts is needed");
    }
  }
}

void Loader::read_environment() {
  for (const std::string& variable : sources_.environment) {
    const auto equals = variable.find('=');
    if (equals == std::string::npos || !variable.starts_with(kVariablePrefix)) continue;
    const std::string_view name = std::string_view(variable).substr(0, equals);
    const bool ignored =
        std::any_of(schema_->ignored_prefixes_.begin(), schema_->ignored_prefixes_.end(),
                    [&](const std::string& prefix) { return name.starts_with(prefix); });
    if (ignored || name == kConfigVariable) continue;
    read_variable(name, variable.substr(equals + 1));
  }
}

// A variable that is empty counts as not there: compose files and units cannot unset one.
void Loader::read_variable(std::string_view name, const std::string& value) {
  constexpr std::string_view kFile = "_FILE";
  const Place place{Layer::environment, std::string(name), std::string(name)};
  std::vector<std::string> known{std::string(kConfigVariable)};
  for (const Option& option : schema_->options()) {
    if (option.is_flag_only()) continue;
    const std::string its = option.variable();
    known.push_back(its);
    if (name == its) {
      if (value.empty()) return;
      if (option.type() != Type::map) return give(option, place, value);
      for (const std::string& pair : split(value, ';')) {
        if (!trim(pair).empty()) give_pair_text(option, place, pair);
      }
      return;
    }
    if (option.type() != Type::secret) continue;
    known.push_back(its + std::string(kFile));
    if (name == known.back()) {
      if (!value.empty()) give_secret_file(option, place, value);
      return;
    }
  }
  unknown("", "environment variable", name, known);
}

void Loader::read_flags() {
  for (const auto& [flag, value] : sources_.flags)
    read_flag(flag, value);
}

void Loader::read_flag(const std::string& flag, const std::string& value) {
  const Place place{Layer::flag, flag, flag};
  std::vector<std::string> known;
  for (const Option& option : schema_->options()) {
    known.push_back(option.flag());
    if (flag == known.back()) {
      if (option.type() == Type::map) return give_pair_text(option, place, value);
      return give(option, place, value);
    }
    if (option.type() != Type::secret) continue;
    known.push_back(option.flag() + "-file");
    if (flag == known.back()) return give_secret_file(option, place, value);
  }
  unknown("", "flag", flag, known);
}

void Loader::check_required() {
  for (const auto& [name, entry] : entries_) {
    const Option& option = *entry.option;
    const auto& used = sources_.sections;
    if (!option.is_required() || entry.given.value || !entry.pairs.empty() ||
        failed_.contains(name) ||
        (used && std::find(used->begin(), used->end(), option.section()) == used->end())) {
      continue;
    }
    std::string detail = name + " is required: give " + option.flag();
    if (option.type() == Type::secret) detail += "-file";
    if (!option.is_flag_only() && !sources_.flags_alone) {
      detail += ", " + option.variable() + (option.type() == Type::secret ? "_FILE" : "") +
                ", or " + option.key() + (option.type() == Type::secret ? "_file" : "") +
                (option.section().empty() ? " in the file"
                                          : " under [" + option.section() + "] in the file");
    }
    problem(Errc::missing_value, std::move(detail));
  }
}

Result<Settings> load(const Schema& schema, const Sources& sources) {
  return Loader(schema, sources).load();
}

std::vector<std::string> process_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable && *variable; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

}  // namespace dropline::config
