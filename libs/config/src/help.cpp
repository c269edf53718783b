#include <algorithm>

#include "command_parser.hpp"
#include "dropline/config/command_line.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

constexpr std::size_t kColumns = 96;
constexpr std::string_view kOptionIndent = "        ";

std::string shout(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

std::string value_name(Type type) {
  switch (type) {
    case Type::text:
      return "TEXT";
    case Type::integer:
    case Type::number:
      return "NUMBER";
    case Type::boolean:
      return "";
    case Type::duration:
      return "DURATION";
    case Type::bytes:
      return "SIZE";
    case Type::choice:
      return "CHOICE";
    case Type::list:
      return "A,B,…";
    case Type::address:
      return "HOST:PORT";
    case Type::url:
      return "URL";
    case Type::path:
      return "PATH";
    case Type::secret:
      return "FILE";
    case Type::map:
      return "KEY=VALUE";
  }
  return "";
}

std::string flag_text(const Option& option) {
  if (option.type() == Type::boolean) {
    const bool on = option.fallback() && option.fallback() == "true";
    return (on ? "--no-" + option.flag().substr(2) : option.flag());
  }
  const std::string flag = option.flag() + (option.type() == Type::secret ? "-file" : "");
  return flag + " " + value_name(option.type());
}

/// The facts behind the sentence: what is allowed, the default, the variable.
std::string facts(const Option& option, bool own) {
  std::vector<std::string> facts;
  const bool obvious = option.type() == Type::text || option.type() == Type::boolean ||
                       option.type() == Type::path || option.type() == Type::secret ||
                       option.type() == Type::url || option.type() == Type::map;
  if (!obvious) facts.push_back(option.allowed());
  if (!option.unit().empty()) facts.push_back("in " + option.unit());
  if (option.fallback() && !(own && option.type() == Type::boolean)) {
    const std::string shown = option.canonical(*option.fallback()).value();
    facts.push_back("default " + (shown.empty() ? std::string("empty") : shown));
  } else if (option.is_required()) {
    facts.push_back("required");
  }
  if (!option.example().empty()) facts.push_back("such as " + option.example());
  if (option.is_reloadable()) facts.push_back("reloadable");
  if (!own && !option.is_flag_only()) {
    facts.push_back(option.variable() + (option.type() == Type::secret ? "_FILE" : ""));
  }
  return facts.empty() ? std::string() : " [" + join(facts, "; ") + "]";
}

void append_option(std::string& out, const Option& option, bool own) {
  out += "  " + flag_text(option) + "\n";
  out += wrapped(option.help() + facts(option, own), kColumns, kOptionIndent);
}

constexpr std::string_view kCommon =
    "Always:\n"
    "  -c, --config FILE  take options from this TOML file [DROPLINE_CONFIG]\n"
    "  -h, --help         show this\n"
    "  -V, --version      show the version\n";

constexpr std::string_view kOrder =
    "Flags win over environment variables, these over the file, it over defaults. A section's name "
    "is its table in the file: --log-level is level under [log].";

void append_examples(std::string& out, const std::vector<Example>& examples) {
  if (examples.empty()) return;
  out += "\nExamples:\n";
  for (const Example& example : examples) {
    out += "  " + example.command + "\n";
    if (!example.explanation.empty()) out += wrapped(example.explanation, kColumns, "      ");
  }
}

}  // namespace

std::string CommandLine::help(std::string_view command) const {
  const Command* found = command.empty() ? nullptr : find(command);
  return found ? command_help(*found) : program_help();
}

std::string CommandLine::program_help() const {
  const Command* fallback = default_command_.empty() ? nullptr : find(default_command_);
  if (fallback && commands_.size() == 1) return command_help(*fallback);
  std::string out = program_ + " " + version_ + ": " + summary_ + "\n\n";
  out += "Usage: " + program_ + " COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n";
  std::size_t width = 0;
  for (const Command& command : commands_)
    width = std::max(width, command.name.size());
  for (const Command& command : commands_) {
    out += "  " + padded(command.name, width) + "  " + command.summary +
           (command.name == default_command_ ? " (default)" : "") + "\n";
  }
  out += "\n";
  out += kCommon;
  out += "\n'" + program_ + " COMMAND --help' explains a command.\n";
  return out;
}

std::string CommandLine::command_help(const Command& command) const {
  const bool alone = commands_.size() == 1 && command.name == default_command_;
  std::string out = (alone ? program_ + " " + version_ : program_ + " " + command.name) + ": " +
                    command.summary + "\n\n";
  out += "Usage: " + program_ + (alone ? "" : " " + command.name) + " [FLAGS]";
  for (const Argument& argument : command.arguments) {
    const std::string name = shout(argument.name) + (argument.repeated ? "…" : "");
    out += argument.required ? " " + name : " [" + name + "]";
  }
  out += "\n";
  if (!command.help.empty()) out += "\n" + wrapped(command.help, kColumns, "");
  if (!command.arguments.empty()) out += "\nArguments:\n";
  for (const Argument& argument : command.arguments) {
    out += "  " + shout(argument.name) + "\n" + wrapped(argument.help, kColumns, kOptionIndent);
  }
  if (!command.own.options().empty()) out += "\nOptions:\n";
  for (const Option& option : command.own.options())
    append_option(out, option, true);
  bool shared = false;
  for (const Schema::Section& section : shared_->sections()) {
    bool titled = false;
    for (const Option& option : shared_->options()) {
      if (option.section() != section.name || !uses(command, option)) continue;
      if (!std::exchange(titled, true)) {
        const bool named = !section.title.empty() && section.title != section.name;
        out += "\n" + (named ? section.title : section.name.empty() ? "General" : section.name);
        out += section.name.empty() ? ":\n" : " [" + section.name + "]:\n";
        if (!section.help.empty()) out += wrapped(section.help, kColumns, "  ");
      }
      append_option(out, option, false);
      shared = true;
    }
  }
  out += "\n";
  out += kCommon;
  if (shared) out += "\n" + wrapped(kOrder, kColumns, "");
  append_examples(out, command.examples);
  return out;
}

}  // namespace dropline::config
