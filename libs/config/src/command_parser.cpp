#include "command_parser.hpp"

#include <algorithm>

#include "text.hpp"

namespace dropline::config {
namespace {

Error usage(std::string detail) {
  return error(Errc::usage, std::move(detail));
}

bool is_flag(const std::string& token) noexcept {
  if (token.size() < 2 || token[0] != '-') return false;
  return !(token[1] >= '0' && token[1] <= '9') && token[1] != '.';  // a negative number is none
}

/// The option of a schema that answers to the flag; `--no-` and `-file` forms too.
const Option* option_for(const Schema& schema, const std::string& flag, bool& negated) {
  for (const Option& option : schema.options()) {
    if (option.flag() == flag) return &option;
    if (option.type() == Type::secret && option.flag() + "-file" == flag) return &option;
    if (option.type() == Type::boolean && "--no-" + option.flag().substr(2) == flag) {
      negated = true;
      return &option;
    }
  }
  return nullptr;
}

std::size_t word_count(std::string_view name) noexcept {
  return 1 + static_cast<std::size_t>(std::count(name.begin(), name.end(), ' '));
}

std::string shout(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

}  // namespace

bool uses(const Command& command, const Option& option) {
  return std::any_of(command.sections.begin(), command.sections.end(),
                     [&](const std::string& section) {
                       return section == "*" || section == option.section() ||
                              (!section.empty() && option.section().starts_with(section + "."));
                     });
}

Status CommandParser::parse(const std::vector<std::string>& arguments, ParsedCommand& parsed) {
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    if (auto status = take_token(arguments, at); !status) {
      // Name the command if its words came before the mistake: help for it is what is wanted.
      (void)find_command(parsed);
      return status;
    }
  }
  parsed.help = help_;
  parsed.version = version_;
  parsed.file = file_;
  if (auto status = find_command(parsed); !status) return status;
  if (help_ || version_ || !parsed.command) return {};
  if (auto status = sort_flags(parsed); !status) return status;
  return sort_arguments(parsed);
}

Status CommandParser::take_token(const std::vector<std::string>& arguments, std::size_t& at) {
  const std::string& token = arguments[at];
  if (token == "--") {
    words_before_dashes_ = words_.size();
    words_.insert(words_.end(), arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  arguments.end());
    at = arguments.size();
    return {};
  }
  if (is_flag(token)) return take_flag(arguments, at);
  words_.push_back(token);
  return {};
}

Status CommandParser::take_flag(const std::vector<std::string>& arguments, std::size_t& at) {
  const std::string& token = arguments[at];
  const auto equals = token.find('=');
  Flag flag;
  flag.name = token.substr(0, equals);
  if (equals != std::string::npos) flag.value = token.substr(equals + 1);
  if (flag.name == "-h" || flag.name == "--help") {
    help_ = true;
    return {};
  }
  if (flag.name == "-V" || flag.name == "--version") {
    version_ = true;
    return {};
  }
  if (flag.name == "-c" || flag.name == "--config") {
    flag.name = "--config";
    if (auto status = take_value(flag, arguments, at); !status) return status;
    if (flag.value->empty()) return usage("--config needs a file's name");
    file_ = *flag.value;
    return {};
  }
  look_up(flag);
  if (flag.option && flag.option->type() == Type::boolean) {
    const bool negated = flag.name != flag.option->flag();
    if (negated && flag.value) return usage(flag.name + " takes no value");
    if (!flag.value) flag.value = negated ? "false" : "true";
    if (negated) flag.name = flag.option->flag();
  } else if (flag.option) {
    if (auto status = take_value(flag, arguments, at); !status) return status;
  }
  flags_.push_back(std::move(flag));
  return {};
}

Status CommandParser::take_value(Flag& flag, const std::vector<std::string>& arguments,
                                 std::size_t& at) const {
  if (flag.value) return {};
  const std::string form = flag.option ? " (" + flag.option->allowed() + ")" : std::string();
  if (at + 1 >= arguments.size()) return usage(flag.name + " needs a value" + form);
  const std::string& next = arguments[at + 1];
  if (next.size() > 2 && next.starts_with("--")) {
    return usage(flag.name + " needs a value" + form + ", but " + printable(next) +
                 " follows; write " + flag.name + "=VALUE if that is the value");
  }
  flag.value = next;
  ++at;
  return {};
}

void CommandParser::look_up(Flag& flag) const {
  bool negated = false;
  flag.option = option_for(*line_.shared_, flag.name, negated);
  if (flag.option) return;
  for (const Command& command : line_.commands_) {
    flag.option = option_for(command.own, flag.name, negated);
    if (!flag.option) continue;
    flag.owner = &command;
    return;
  }
}

// The longest name that the words begin with: "audit drop" before "audit".
Status CommandParser::find_command(ParsedCommand& parsed) {
  if (!words_.empty() && words_[0] == "help" && words_before_dashes_ != 0) {
    help_ = parsed.help = true;
    words_.erase(words_.begin());
  }
  std::size_t taken = 0;
  for (const Command& command : line_.commands_) {
    const std::size_t count = word_count(command.name);
    if (count <= taken || count > words_.size()) continue;
    const std::vector<std::string> start(words_.begin(),
                                         words_.begin() + static_cast<std::ptrdiff_t>(count));
    if (join(start, " ") != command.name) continue;
    parsed.command = &command;
    taken = count;
  }
  if (parsed.command) {
    words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(taken));
    return {};
  }
  const Command* fallback =
      line_.default_command_.empty() ? nullptr : line_.find(line_.default_command_);
  if (words_.empty() || (fallback && !fallback->arguments.empty())) {
    if (!help_) parsed.command = fallback;
    return {};
  }
  // "audit" alone, where only "audit drop" is a command.
  std::vector<std::string> names;
  std::vector<std::string> below;
  for (const Command& command : line_.commands_) {
    names.push_back(command.name);
    if (command.name.starts_with(words_[0] + " ")) below.push_back(command.name);
  }
  if (!below.empty()) {
    return usage("'" + words_[0] + "' is not a command by itself; there is " + join(below, ", "));
  }
  if (line_.commands_.size() == 1 && fallback) {
    return usage("unexpected argument '" + printable(words_[0]) + "'");
  }
  const std::string typed = words_.size() > 1 ? words_[0] + " " + words_[1] : words_[0];
  std::string near = nearest(typed, names);
  if (near.empty()) near = nearest(words_[0], names);
  return usage("unknown command '" + printable(words_[0]) + "'" +
               (near.empty() ? "; '" + line_.program_ + " --help' lists them"
                             : "; did you mean " + near + "?"));
}

std::vector<std::string> CommandParser::flags_of(const Command& command) const {
  std::vector<std::string> flags{"--help", "--version", "--config"};
  const auto add = [&](const Option& option) {
    flags.push_back(option.flag());
    if (option.type() == Type::secret) flags.push_back(option.flag() + "-file");
  };
  for (const Option& option : command.own.options())
    add(option);
  for (const Option& option : line_.shared_->options()) {
    if (uses(command, option)) add(option);
  }
  return flags;
}

Status CommandParser::sort_flags(ParsedCommand& parsed) const {
  const Command& command = *parsed.command;
  for (const Flag& flag : flags_) {
    // Several commands may have an option of the same name.
    bool negated = false;
    if (option_for(command.own, flag.name, negated)) {
      parsed.own_flags.emplace_back(flag.name, flag.value.value_or(""));
      continue;
    }
    if (flag.option && !flag.owner && uses(command, *flag.option)) {
      parsed.shared_flags.emplace_back(flag.name, flag.value.value_or(""));
      continue;
    }
    if (flag.owner) {
      return usage(flag.name + " is a flag of '" + flag.owner->name + "', not of '" + command.name +
                   "'");
    }
    if (flag.option) return usage("'" + command.name + "' does not use " + flag.name);
    const std::string near = nearest(flag.name, flags_of(command));
    return error(Errc::unknown_key, "unknown flag " + printable(flag.name) +
                                        (near.empty() ? "" : "; did you mean " + near + "?"));
  }
  return {};
}

Status CommandParser::sort_arguments(ParsedCommand& parsed) const {
  std::size_t at = 0;
  for (const Argument& argument : parsed.command->arguments) {
    auto& values = parsed.arguments[argument.name];
    while (at < words_.size() && (values.empty() || argument.repeated)) {
      values.push_back(words_[at++]);
    }
    if (values.empty() && argument.required) {
      return usage("'" + parsed.command->name + "' needs " + shout(argument.name) + ": " +
                   argument.help);
    }
  }
  if (at < words_.size()) return usage("unexpected argument '" + printable(words_[at]) + "'");
  return {};
}

}  // namespace dropline::config
