#include "dropline/config/command_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "command_parser.hpp"
#include "dropline/base/ensure.hpp"
#include "names.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

/// A mistake made by declaring a command; names are the program's, so the first start finds it.
void check_declaration(const Command& command, const Schema& shared) {
  ensure(!command.name.empty() && command.name.front() != ' ' && command.name.back() != ' ' &&
             command.name.find("  ") == std::string::npos,
         "a command's name is words with single spaces");
  ensure(!command.summary.empty() && static_cast<bool>(command.run),
         "a command has a summary and something to run");
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const bool last = i + 1 == command.arguments.size();
    ensure(last || !command.arguments[i].repeated, "only the last argument is repeated");
    ensure(last || command.arguments[i].required || !command.arguments[i + 1].required,
           "optional arguments come last");
  }
  for (const Option& option : command.own.options()) {
    ensure(option.section().empty() || option.type() == Type::map,
           "a command's own options have no dots");
    for (const Option& other : shared.options()) {
      ensure(option.flag() != other.flag(), "a command's flag is not a shared one");
    }
  }
}

}  // namespace

std::string Invocation::argument(std::string_view name) const {
  const auto found = arguments_.find(name);
  ensure(found != arguments_.end(), "only declared arguments are asked for");
  return found->second.empty() ? std::string() : found->second.front();
}

std::vector<std::string> Invocation::arguments(std::string_view name) const {
  const auto found = arguments_.find(name);
  ensure(found != arguments_.end(), "only declared arguments are asked for");
  return found->second;
}

Result<Settings> Invocation::reload() const {
  return load(*schema_, sources_);
}

CommandLine::CommandLine(std::string program, std::string version, std::string summary,
                         Schema shared)
    : program_(std::move(program)),
      version_(std::move(version)),
      summary_(std::move(summary)),
      shared_(std::make_shared<const Schema>(std::move(shared))) {}

void CommandLine::add(Command command) {
  check_declaration(command, *shared_);
  ensure(!find(command.name) && command.name != "help", "a command's name is its own");
  for (const Command& other : commands_) {
    for (const Option& option : other.own.options()) {
      for (const Option& mine : command.own.options()) {
        // Whether a value follows must be known before the command is.
        ensure(mine.flag() != option.flag() ||
                   (mine.type() == Type::boolean) == (option.type() == Type::boolean),
               "a flag takes a value in every command or in none");
      }
    }
  }
  commands_.push_back(std::move(command));
}

void CommandLine::default_command(std::string_view name) {
  ensure(find(name) != nullptr, "the default command is one of the commands");
  default_command_ = name;
}

void CommandLine::default_files(std::vector<std::string> files) {
  default_files_ = std::move(files);
}

void CommandLine::add_config_command() {
  Command command;
  command.name = "config";
  command.summary = "show what is in force and where it came from";
  command.help =
      "Flags win over environment variables, these over the file, it over defaults. Secrets are "
      "not shown.";
  command.own.boolean("example", false, "Print a file with every option at its default instead.");
  command.own.boolean("json", false, "Print JSON.");
  command.sections = {"*"};
  command.starts_without_required = true;
  command.examples = {
      {program_ + " config", "what a start with the same flags and environment would use"},
      {program_ + " config --example > " + program_ + ".toml", "a file to start from"}};
  command.run = [program = program_, schema = shared_](const Invocation& invocation) {
    if (invocation.own().boolean("example")) {
      invocation.out() << schema->example_toml(program);
    } else if (invocation.own().boolean("json")) {
      invocation.out() << invocation.settings().describe_json();
    } else {
      invocation.out() << invocation.settings().describe();
    }
    return 0;
  };
  add(std::move(command));
}

const Command* CommandLine::find(std::string_view name) const noexcept {
  const auto found = std::find_if(commands_.begin(), commands_.end(),
                                  [&](const Command& command) { return command.name == name; });
  return found == commands_.end() ? nullptr : &*found;
}

int CommandLine::complain(std::ostream& err, const Error& error, const Command* command) const {
  const std::vector<std::string> problems = split(error.detail, '\n');
  if (problems.size() == 1) {
    err << program_ << ": " << problems.front() << "\n";
  } else {
    err << program_ << ": " << problems.size() << " problems\n";
    for (const std::string& problem : problems)
      err << "  " << problem << "\n";
  }
  const bool named = command && commands_.size() > 1;
  err << "Try '" << program_ << (named ? " " + command->name : std::string()) << " --help'.\n";
  return kExitUsage;
}

std::string CommandLine::config_file(const std::optional<std::string>& given,
                                     const std::vector<std::string>& environment) const {
  if (given) return *given;
  const std::string start = std::string(kConfigVariable) + "=";
  for (const std::string& variable : environment) {
    if (variable.starts_with(start) && variable.size() > start.size()) {
      return variable.substr(start.size());
    }
  }
  for (const std::string& file : default_files_) {
    if (::access(file.c_str(), F_OK) == 0) return file;
  }
  return {};
}

int CommandLine::run(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment, std::ostream& out,
                     std::ostream& err) const {
  ParsedCommand parsed;
  const Status status = CommandParser(*this).parse(arguments, parsed);
  if (!status) return complain(err, status.error(), parsed.command);
  if (parsed.version) {
    out << program_ << " " << version_ << "\n";
    return 0;
  }
  if (parsed.help) {
    out << (parsed.command ? command_help(*parsed.command) : program_help());
    return 0;
  }
  if (!parsed.command) {
    err << program_help();
    return kExitUsage;
  }
  const Command& command = *parsed.command;
  Sources sources{.file = config_file(parsed.file, environment),
                  .environment = environment,
                  .flags = parsed.shared_flags};
  sources.sections.emplace();
  for (const Option& option : shared_->options()) {
    const bool asked = uses(command, option) && !command.starts_without_required;
    if (asked) sources.sections->push_back(option.section());
  }
  auto settings = load(*shared_, sources);
  if (!settings) return complain(err, settings.error(), &command);
  auto own = load(command.own, {.flags = parsed.own_flags, .flags_alone = true});
  if (!own) return complain(err, own.error(), &command);
  Invocation invocation(std::move(*settings), std::move(*own));
  invocation.arguments_ = std::move(parsed.arguments);
  invocation.config_file_ = sources.file;
  invocation.schema_ = shared_;
  invocation.sources_ = std::move(sources);
  invocation.out_ = &out;
  invocation.err_ = &err;
  return command.run(invocation);
}

int CommandLine::run(int argc, char** argv) const {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  return run(arguments, process_environment(), std::cout, std::cerr);
}

}  // namespace dropline::config
