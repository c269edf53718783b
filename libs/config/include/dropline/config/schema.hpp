#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/config/values.hpp"

namespace dropline::config {

class Settings;

enum class Type {
  text,
  integer,
  number,
  boolean,
  duration,
  bytes,
  choice,
  list,
  address,
  url,
  path,
  secret,
  map,
};

/// One option: everything that parsing, help, the example file and `dropline config` need to know.
/// Made by Schema, refined by its chain of members:
///
///   schema.duration("http.head_timeout", 10s, "How long a client may take to send its head.")
///       .range(100ms, 5min).reloadable();
///
/// A mistake in a declaration (a default out of its own range, a name twice) is ours and ends the
/// process.
class Option final {
 public:
  /// Integers and numbers: the value. Lists and maps: how many.
  Option& range(std::int64_t least, std::int64_t most);
  Option& range(std::chrono::nanoseconds least, std::chrono::nanoseconds most);
  /// Shown with the value in help: "records", "connections".
  Option& unit(std::string_view unit);
  /// Starting without it is an error. Only for options without a default.
  Option& required();
  /// A change is taken over by a running process; others need a restart.
  Option& reloadable();
  /// Extra condition on the text as given: empty when it holds, else what is wrong.
  Option& check(std::function<std::string(std::string_view)> check);
  /// What help and the example file show where there is no default.
  Option& example(std::string_view example);
  /// Given by flag or in code only: neither a file nor a variable may set it.
  Option& flag_only();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] const std::string& help() const noexcept { return help_; }
  [[nodiscard]] const std::optional<std::string>& fallback() const noexcept { return fallback_; }
  [[nodiscard]] bool is_required() const noexcept { return required_; }
  [[nodiscard]] bool is_reloadable() const noexcept { return reloadable_; }
  [[nodiscard]] bool is_flag_only() const noexcept { return flag_only_; }
  [[nodiscard]] const std::string& example() const noexcept { return example_; }
  [[nodiscard]] const std::string& unit() const noexcept { return unit_; }
  /// "http" of "http.port", "http.admin" of "http.admin.port"; empty for a name without a dot. A
  /// map's section is its own name.
  [[nodiscard]] std::string section() const;
  /// "port" of "http.port"; empty for a map.
  [[nodiscard]] std::string key() const;
  /// "--http-port"; for maps the singular, "--kafka-property".
  [[nodiscard]] std::string flag() const;
  /// "DROPLINE_HTTP_PORT"
  [[nodiscard]] std::string variable() const;
  /// What may be given, for people: "an integer from 1 to 65535", "a duration such as 15m or
  /// 250ms".
  [[nodiscard]] std::string allowed() const;
  /// Reads a value as this option takes it and gives it in one canonical form; the error says what
  /// is wrong and what is allowed.
  [[nodiscard]] Result<std::string> canonical(std::string_view text) const;

 private:
  friend class Schema;
  Option(std::string_view name, Type type, std::optional<std::string> fallback,
         std::string_view help);
  void validate_fallback() const;
  [[nodiscard]] Result<std::string> canonical_of_type(std::string_view text) const;
  [[nodiscard]] Result<std::string> canonical_number(std::string_view text) const;
  [[nodiscard]] std::string range_text() const;
  [[nodiscard]] Status within_range(std::int64_t value) const;

  std::string name_;
  Type type_;
  std::optional<std::string> fallback_;
  std::string help_;
  std::string unit_;
  std::string example_;
  std::string map_flag_;
  std::optional<std::int64_t> least_;
  std::optional<std::int64_t> most_;
  std::vector<std::string> choices_;
  std::function<std::string(std::string_view)> check_;
  bool required_ = false;
  bool reloadable_ = false;
  bool flag_only_ = false;
};

/// The options a product knows. All its programs share one, so that one file and one environment
/// serve them all; a command shows only the sections it uses. A value; build it, then only read it
/// (any thread).
class Schema final {
 public:
  /// Titles and explains "http" in help and in the example file. Options of a section may be
  /// declared before or after, in the order they are to be shown.
  void section(std::string_view name, std::string_view title, std::string_view help = {});

  /// Names are lower case words of a-z, 0-9 and '_', joined by dots: "http.body_limit". Defaults
  /// that are nullopt leave the option unset.
  Option& text(std::string_view name, std::optional<std::string> fallback, std::string_view help);
  Option& integer(std::string_view name, std::optional<std::int64_t> fallback,
                  std::string_view help);
  Option& number(std::string_view name, std::optional<double> fallback, std::string_view help);
  Option& boolean(std::string_view name, std::optional<bool> fallback, std::string_view help);
  Option& duration(std::string_view name, std::optional<std::chrono::nanoseconds> fallback,
                   std::string_view help);
  Option& bytes(std::string_view name, std::optional<std::int64_t> fallback, std::string_view help);
  Option& choice(std::string_view name, std::vector<std::string> choices,
                 std::optional<std::string> fallback, std::string_view help);
  /// Comma-separated in variables and flags (which may also be repeated), an array in TOML. Items
  /// have no commas, are trimmed and not empty.
  Option& list(std::string_view name, std::optional<std::vector<std::string>> fallback,
               std::string_view help);
  /// Port 0 is refused unless range() says otherwise.
  Option& address(std::string_view name, std::optional<std::string> fallback,
                  std::string_view help);
  Option& url(std::string_view name, std::optional<std::string> fallback, std::string_view help);
  /// In a file, relative to that file's folder; elsewhere to the working directory.
  Option& path(std::string_view name, std::optional<std::string> fallback, std::string_view help);
  /// Never shown. Also taken from a file (`x_file`, DROPLINE_X_FILE, --x-file): one trailing
  /// newline is cut; a file that others may read is warned about.
  Option& secret(std::string_view name, std::string_view help);
  /// Free keys and values, passed through: a table in TOML (nested tables are joined by dots),
  /// `flag k=v` repeated, and a variable of `k=v` parts separated by ';'. Layers are merged key by
  /// key. Values of keys that look secret (password, secret, key, token, pem) are never shown, and
  /// any key may end in `_file` to read its value from a file.
  Option& map(std::string_view name, std::string_view flag, std::string_view help);

  /// A condition across options, checked once all are known: empty when it holds.
  void rule(std::function<std::string(const Settings&)> rule);
  /// Environment variables that start so are somebody else's and not unknown options.
  void ignore_variables(std::string_view prefix);

  [[nodiscard]] const Option* find(std::string_view name) const noexcept;
  [[nodiscard]] const std::deque<Option>& options() const noexcept { return options_; }

  struct Section {
    std::string name;
    std::string title;
    std::string help;
  };
  /// In order of first mention; the unnamed section first.
  [[nodiscard]] std::vector<Section> sections() const;

  /// A commented TOML file with every option at its default, ready to be edited.
  [[nodiscard]] std::string example_toml(std::string_view program) const;

 private:
  friend class Loader;
  Option& add(Option option);

  std::deque<Option> options_;
  std::vector<Section> sections_;
  std::vector<std::function<std::string(const Settings&)>> rules_;
  std::vector<std::string> ignored_prefixes_;
};

}  // namespace dropline::config
