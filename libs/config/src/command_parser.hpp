#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/config/command_line.hpp"

namespace dropline::config {

/// What a command line says, before anything is loaded.
struct ParsedCommand {
  const Command* command = nullptr;  ///< null: none was named and there is no default
  bool help = false;
  bool version = false;
  std::optional<std::string> file;
  std::vector<std::pair<std::string, std::string>> shared_flags;
  std::vector<std::pair<std::string, std::string>> own_flags;
  std::map<std::string, std::vector<std::string>, std::less<>> arguments;
};

/// One reading of a command line: tells flags from words, finds the command, then asks whether the
/// flags are its.
class CommandParser final {
 public:
  explicit CommandParser(const CommandLine& line) : line_(line) {}

  /// On an error, `parsed.command` is still the command it is about, where that is known.
  [[nodiscard]] Status parse(const std::vector<std::string>& arguments, ParsedCommand& parsed);

 private:
  struct Flag {
    std::string name;
    std::optional<std::string> value;
    const Option* option = nullptr;
    const Command* owner = nullptr;  ///< null: shared, or nobody's
  };

  [[nodiscard]] Status take_token(const std::vector<std::string>& arguments, std::size_t& at);
  [[nodiscard]] Status take_flag(const std::vector<std::string>& arguments, std::size_t& at);
  [[nodiscard]] Status take_value(Flag& flag, const std::vector<std::string>& arguments,
                                  std::size_t& at) const;
  void look_up(Flag& flag) const;
  [[nodiscard]] Status find_command(ParsedCommand& parsed);
  [[nodiscard]] Status sort_flags(ParsedCommand& parsed) const;
  [[nodiscard]] Status sort_arguments(ParsedCommand& parsed) const;
  [[nodiscard]] std::vector<std::string> flags_of(const Command& command) const;

  const CommandLine& line_;
  std::vector<Flag> flags_;
  std::vector<std::string> words_;
  std::size_t words_before_dashes_ = std::string::npos;
  bool help_ = false;
  bool version_ = false;
  std::optional<std::string> file_;
};

/// Whether the command takes the shared option's flag.
[[nodiscard]] bool uses(const Command& command, const Option& option);

}  // namespace dropline::config
