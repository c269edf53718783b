#include <algorithm>

#include "dropline/config/schema.hpp"
#include "names.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

constexpr std::size_t kColumns = 90;

std::string toml_value(const Option& option, const std::string& value) {
  switch (option.type()) {
    case Type::integer:
    case Type::number:
    case Type::boolean:
      return value;
    case Type::list: {
      std::vector<std::string> items;
      if (!value.empty()) {
        for (const std::string& item : split(value, ','))
          items.push_back(quoted(item));
      }
      return "[" + join(items, ", ") + "]";
    }
    default:
      return quoted(value);
  }
}

/// Something that reads as a value of the type, where there is neither default nor example.
std::string sample(const Option& option) {
  switch (option.type()) {
    case Type::integer:
    case Type::number:
      return "1";
    case Type::boolean:
      return "true";
    case Type::duration:
      return "15m";
    case Type::bytes:
      return "64KiB";
    case Type::list:
      return "one,two";
    case Type::address:
      return "127.0.0.1:8080";
    case Type::url:
      return "https://example.org";
    case Type::path:
      return "/path/to/it";
    default:
      return option.key();
  }
}

void append_option(std::string& out, const Option& option) {
  std::string about = option.help() + " Allowed: " + option.allowed();
  if (!option.unit().empty()) about += " (" + option.unit() + ")";
  about += ".";
  if (option.is_required()) about += " Required.";
  if (option.is_reloadable()) about += " Taken over while running.";
  out += wrapped(about, kColumns, "# ");
  out += "# " + option.flag() + ", " + option.variable() + "\n";
  if (option.type() == Type::map) {
    out += "#[" + option.name() + "]\n";
    const auto pair = split(option.example(), '=');
    if (pair.size() == 2) out += "#" + quoted(pair[0]) + " = " + quoted(pair[1]) + "\n";
  } else if (option.type() == Type::secret) {
    const std::string path =
        option.example().empty() ? "/run/secrets/" + option.key() : option.example();
    out += "#" + option.key() + std::string(kFileSuffix) + " = " + quoted(path) + "\n";
  } else if (option.fallback()) {
    out += "#" + option.key() + " = " +
           toml_value(option, option.canonical(*option.fallback()).value()) + "\n";
  } else {
    const std::string value = option.example().empty() ? sample(option) : option.example();
    out += "#" + option.key() + " = " + toml_value(option, value) + "\n";
  }
  out += "\n";
}

}  // namespace

std::string Schema::example_toml(std::string_view program) const {
  std::string out = "# " + std::string(program) +
                    ": every option with its default. Uncomment what you change.\n"
                    "# Flags win over environment variables, these over this file, it over "
                    "defaults.\n\n";
  for (const Section& section : sections()) {
    const bool is_map = find(section.name) != nullptr;
    const auto belongs = [&](const Option& option) {
      return option.section() == section.name && !option.is_flag_only();
    };
    if (std::none_of(options_.begin(), options_.end(), belongs)) continue;
    if (!section.title.empty() && section.title != section.name) {
      out += wrapped("--- " + section.title + " ---", kColumns, "# ");
    }
    if (!section.help.empty()) out += wrapped(section.help, kColumns, "# ");
    if (!section.name.empty() && !is_map) out += "[" + section.name + "]\n";
    for (const Option& option : options_) {
      if (belongs(option)) append_option(out, option);
    }
  }
  return out;
}

}  // namespace dropline::config
