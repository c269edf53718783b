#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/config/schema.hpp"
#include "dropline/telemetry/secret.hpp"

namespace dropline::config {

using telemetry::Secret;

/// Where a value comes from; later ones win.
enum class Layer { fallback, file, environment, flag };

/// What is in force. Immutable and cheap to copy; any thread. Asking for a name that the schema
/// does not have, as a type it does not have, or for the value of an option that may be unset and
/// is, is our own mistake and ends the process: ask has() first where there is no default.
class Settings final {
 public:
  [[nodiscard]] bool has(std::string_view name) const;

  [[nodiscard]] const std::string& text(std::string_view name) const;  ///< text, choice, url, path
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  /// Rounded up to whole D, so that what is not zero does not become zero.
  template <class D = std::chrono::milliseconds>
  [[nodiscard]] D duration(std::string_view name) const {
    return std::chrono::ceil<D>(nanoseconds(name));
  }
  [[nodiscard]] std::int64_t bytes(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  [[nodiscard]] Address address(std::string_view name) const;
  [[nodiscard]] Secret secret(std::string_view name) const;
  /// By key. Values may be secret: do not print them.
  [[nodiscard]] const std::map<std::string, std::string>& map(std::string_view name) const;

  [[nodiscard]] Layer layer(std::string_view name) const;
  /// "default", "dropline.toml:12", "DROPLINE_HTTP_PORT", "--http-port"
  [[nodiscard]] std::string origin(std::string_view name) const;
  /// The value for people: secrets hidden, passwords in URLs too; empty where unset.
  [[nodiscard]] std::string shown(std::string_view name) const;

  /// Things that work but should be put right: a secret that others may read.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;

  /// A table of every option, its value and where it came from, for `config`.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::string describe_json() const;

  struct Change {
    std::string name;
    bool reloadable = false;
  };
  /// What a reload would change.
  [[nodiscard]] std::vector<Change> changes(const Settings& newer) const;

 private:
  friend class Loader;
  struct State;
  explicit Settings(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  [[nodiscard]] std::chrono::nanoseconds nanoseconds(std::string_view name) const;

  std::shared_ptr<const State> state_;
};

/// What to load from. Nothing else is looked at, so a test gives exactly what it means.
struct Sources {
  /// A TOML file that must be there; empty: none.
  std::string file = {};
  /// "NAME=value", as in environ.
  std::vector<std::string> environment = {};
  /// Flags that were already told apart from commands: "--http-port" and its value.
  std::vector<std::pair<std::string, std::string>> flags = {};
  /// Sections that the caller uses: only their required options must be there. Absent: all.
  std::optional<std::vector<std::string>> sections = {};
  /// Nobody is told to use a file or a variable: a command's own options have neither.
  bool flags_alone = false;
};

/// Flags over environment over file over defaults. Reports every problem at once, one a line, each
/// with the place, the key, what was found, what is allowed and, for an unknown name, the nearest
/// known one. The error's code is that of the first.
[[nodiscard]] Result<Settings> load(const Schema& schema, const Sources& sources);

/// The environment of this process, for Sources.
[[nodiscard]] std::vector<std::string> process_environment();

/// The candidate nearest to `word` by edits (a swap counts as one); empty when none is near.
[[nodiscard]] std::string nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

}  // namespace dropline::config
