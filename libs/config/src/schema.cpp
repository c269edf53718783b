#include "dropline/config/schema.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "dropline/base/ensure.hpp"
#include "names.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

template <class T, class Show>
std::optional<std::string> shown(const std::optional<T>& value, Show show) {
  if (!value) return std::nullopt;
  return show(*value);
}

bool overlaps(std::string_view table, std::string_view name) noexcept {
  return name.size() > table.size() && name.starts_with(table) && name[table.size()] == '.';
}

}  // namespace

void Schema::section(std::string_view name, std::string_view title, std::string_view help) {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const Section& section) { return section.name == name; });
  if (found != sections_.end()) {
    found->title = title;
    found->help = help;
  } else {
    sections_.push_back({std::string(name), std::string(title), std::string(help)});
  }
}

Option& Schema::add(Option option) {
  const bool secret = option.type() == Type::secret;
  for (const Option& other : options_) {
    // Names that differ may still make the same flag or variable: a.b_c and a_b.c.
    const std::string file_flag = other.flag() + "-file";
    ensure(other.flag() != option.flag() && other.variable() != option.variable(),
           "an option's name, flag and variable are its own");
    ensure(!(other.type() == Type::secret && option.flag() == file_flag) &&
               !(secret && other.flag() == option.flag() + "-file"),
           "no option is named as a secret's file");
    // In TOML a name is a value or a table, not both.
    ensure(!overlaps(other.name(), option.name()) && !overlaps(option.name(), other.name()),
           "no option's name is the beginning of another's");
  }
  ensure(option.variable() != kConfigVariable && option.flag() != "--config" &&
             option.flag() != "--help" && option.flag() != "--version",
         "no option is named config, help or version");
  option.validate_fallback();
  const std::string section = option.section();
  if (std::none_of(sections_.begin(), sections_.end(),
                   [&](const Section& known) { return known.name == section; })) {
    sections_.push_back({section, section, {}});
  }
  options_.push_back(std::move(option));
  return options_.back();
}

Option& Schema::text(std::string_view name, std::optional<std::string> fallback,
                     std::string_view help) {
  return add(Option(name, Type::text, std::move(fallback), help));
}

Option& Schema::integer(std::string_view name, std::optional<std::int64_t> fallback,
                        std::string_view help) {
  return add(Option(name, Type::integer,
                    shown(fallback, [](std::int64_t value) { return std::to_string(value); }),
                    help));
}

Option& Schema::number(std::string_view name, std::optional<double> fallback,
                       std::string_view help) {
  const auto show = [](double value) {
    std::array<char, 40> text{};
    return std::string(text.data(),
                       std::to_chars(text.data(), text.data() + text.size(), value).ptr);
  };
  return add(Option(name, Type::number, shown(fallback, show), help));
}

Option& Schema::boolean(std::string_view name, std::optional<bool> fallback,
                        std::string_view help) {
  const auto show = [](bool value) { return std::string(value ? "true" : "false"); };
  return add(Option(name, Type::boolean, shown(fallback, show), help));
}

Option& Schema::duration(std::string_view name, std::optional<std::chrono::nanoseconds> fallback,
                         std::string_view help) {
  return add(Option(name, Type::duration, shown(fallback, format_duration), help));
}

Option& Schema::bytes(std::string_view name, std::optional<std::int64_t> fallback,
                      std::string_view help) {
  return add(Option(name, Type::bytes, shown(fallback, format_bytes), help));
}

Option& Schema::choice(std::string_view name, std::vector<std::string> choices,
                       std::optional<std::string> fallback, std::string_view help) {
  Option option(name, Type::choice, std::move(fallback), help);
  option.choices_ = std::move(choices);
  return add(std::move(option));
}

Option& Schema::list(std::string_view name, std::optional<std::vector<std::string>> fallback,
                     std::string_view help) {
  const auto show = [](const std::vector<std::string>& items) { return join(items, ","); };
  return add(Option(name, Type::list, shown(fallback, show), help));
}

Option& Schema::address(std::string_view name, std::optional<std::string> fallback,
                        std::string_view help) {
  return add(Option(name, Type::address, std::move(fallback), help));
}

Option& Schema::url(std::string_view name, std::optional<std::string> fallback,
                    std::string_view help) {
  return add(Option(name, Type::url, std::move(fallback), help));
}

Option& Schema::path(std::string_view name, std::optional<std::string> fallback,
                     std::string_view help) {
  return add(Option(name, Type::path, std::move(fallback), help));
}

Option& Schema::secret(std::string_view name, std::string_view help) {
  return add(Option(name, Type::secret, std::nullopt, help));
}

Option& Schema::map(std::string_view name, std::string_view flag, std::string_view help) {
  ensure(flag.starts_with("--") && flag.size() > 2, "a map's flag begins with --");
  Option option(name, Type::map, std::nullopt, help);
  option.map_flag_ = flag;
  return add(std::move(option));
}

void Schema::rule(std::function<std::string(const Settings&)> rule) {
  rules_.push_back(std::move(rule));
}

void Schema::ignore_variables(std::string_view prefix) {
  ensure(!prefix.empty(), "a prefix to ignore is not empty");
  ignored_prefixes_.emplace_back(prefix);
}

const Option* Schema::find(std::string_view name) const noexcept {
  for (const Option& option : options_) {
    if (option.name() == name) return &option;
  }
  return nullptr;
}

std::vector<Schema::Section> Schema::sections() const {
  std::vector<Section> ordered = sections_;
  std::stable_partition(ordered.begin(), ordered.end(),
                        [](const Section& section) { return section.name.empty(); });
  return ordered;
}

}  // namespace dropline::config
