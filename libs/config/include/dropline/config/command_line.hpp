#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/config/schema.hpp"
#include "dropline/config/settings.hpp"

namespace dropline::config {

/// What a command is run with.
class Invocation final {
 public:
  /// The shared options in force.
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  /// The command's own options.
  [[nodiscard]] const Settings& own() const noexcept { return own_; }
  /// A positional argument by name; empty when it is optional and absent.
  [[nodiscard]] std::string argument(std::string_view name) const;
  /// A repeated one.
  [[nodiscard]] std::vector<std::string> arguments(std::string_view name) const;
  /// The file the settings came from, empty where none.
  [[nodiscard]] const std::string& config_file() const noexcept { return config_file_; }
  /// Loads again from the same places, for a reload.
  [[nodiscard]] Result<Settings> reload() const;
  [[nodiscard]] std::ostream& out() const noexcept { return *out_; }
  [[nodiscard]] std::ostream& err() const noexcept { return *err_; }

 private:
  friend class CommandLine;
  Invocation(Settings settings, Settings own) : settings_(settings), own_(own) {}
  Settings settings_;
  Settings own_;
  std::map<std::string, std::vector<std::string>, std::less<>> arguments_;
  std::string config_file_;
  std::shared_ptr<const Schema> schema_;
  Sources sources_;
  std::ostream* out_ = nullptr;
  std::ostream* err_ = nullptr;
};

struct Argument {
  std::string name;  ///< shown as NAME
  std::string help;
  bool required = true;
  bool repeated = false;  ///< takes the rest; only the last may
};

struct Example {
  std::string command;
  std::string explanation;
};

struct Command {
  /// One word, or several: "audit drop".
  std::string name;
  /// One line, without a full stop.
  std::string summary;
  /// Paragraphs below it; may be empty.
  std::string help = {};
  std::vector<Argument> arguments = {};
  /// Options of this command alone, given by flag only. Their names have no dots: "member" is
  /// --member.
  Schema own = {};
  /// Sections of the shared schema whose flags it takes and shows; "" is the unnamed one, "*" all.
  /// Files and variables may set the others too, they are only not this command's business.
  std::vector<std::string> sections = {};
  /// Whether it starts without the required options of its sections, as one that only shows does.
  bool starts_without_required = false;
  std::vector<Example> examples = {};
  std::function<int(const Invocation&)> run = {};
};

/// A program's command line. Understands `COMMAND [--flag value | --flag=value | --boolean |
/// --no-boolean | -- ] ARGUMENT…`, flags before or after the command and arguments, and for every
/// program: --help (-h), --version (-V), --config FILE (-c; else DROPLINE_CONFIG, else the first
/// default file that is there), `help COMMAND`. One thread.
class CommandLine final {
 public:
  CommandLine(std::string program, std::string version, std::string summary, Schema shared);

  void add(Command command);
  /// What runs without a command; a program with only this one shows no commands.
  void default_command(std::string_view name);
  /// Where --config and DROPLINE_CONFIG are absent.
  void default_files(std::vector<std::string> files);
  /// `config`: what is in force and where it came from; --example, --json.
  void add_config_command();

  /// Runs the command and gives its exit code. A usage or configuration error is explained on
  /// `err` and gives kExitUsage; what people asked to read goes to `out` and gives 0; exceptions of
  /// commands pass through.
  int run(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
          std::ostream& out, std::ostream& err) const;
  /// The same for main(): without the program's name, with this process's environment, stdout and
  /// stderr.
  int run(int argc, char** argv) const;

  /// Help of the program (empty name) or of a command.
  [[nodiscard]] std::string help(std::string_view command = {}) const;

 private:
  friend class CommandParser;
  [[nodiscard]] const Command* find(std::string_view name) const noexcept;
  [[nodiscard]] int complain(std::ostream& err, const Error& error, const Command* command) const;
  [[nodiscard]] std::string config_file(const std::optional<std::string>& given,
                                        const std::vector<std::string>& environment) const;
  [[nodiscard]] std::string program_help() const;
  [[nodiscard]] std::string command_help(const Command& command) const;

  std::string program_;
  std::string version_;
  std::string summary_;
  std::shared_ptr<const Schema> shared_;
  std::vector<Command> commands_;
  std::string default_command_;
  std::vector<std::string> default_files_;
};

}  // namespace dropline::config
