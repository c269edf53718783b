#include "dropline/store/database.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "postgresql.hpp"
#include "session_state.hpp"
#include "sqlite.hpp"
#include "translate.hpp"

namespace dropline::store {
namespace {

constexpr std::string_view kHidden = "***";

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::string option(const Options& options, std::string_view keyword) {
  for (const auto* at = options.get(); at->keyword != nullptr; ++at) {
    if (keyword == at->keyword) return at->val == nullptr ? std::string() : std::string(at->val);
  }
  return {};
}

/// "postgresql://user:***@host:port/name", whatever form it was given in.
std::string shown(const Options& options) {
  std::string text = "postgresql://" + option(options, "user");
  if (!option(options, "password").empty()) text.append(":").append(kHidden);
  if (text.back() != '/') text += '@';
  text += option(options, "host");
  if (const auto port = option(options, "port"); !port.empty()) text += ":" + port;
  return text + "/" + option(options, "dbname");
}

/// SOCI takes its own options out of the text before libpq reads it, and knows neither of libpq's
/// quotes nor of spaces within them; its own double quotes it strips. So what libpq shall read is
/// wrapped in those where it holds a space. False: it holds spaces and double quotes.
bool append_option(std::string& target, std::string_view keyword, std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '\'';
  const bool spaces = quoted.find_first_of(" \t\n\v\f\r") != quoted.npos;
  if (spaces && quoted.find('"') != quoted.npos) return false;
  if (!target.empty()) target += ' ';  // it takes a space at the end for another option
  target.append(keyword).append(spaces ? "=\"" : "=").append(quoted).append(spaces ? "\"" : "");
  return true;
}

struct Target {
  std::string target;
  std::string name;
};

Result<Target> parse_postgresql(std::string_view url) {
  char* message = nullptr;
  const Options options(PQconninfoParse(std::string(url).c_str(), &message));
  const std::string what = message == nullptr ? "" : message;
  PQfreemem(message);
  if (options == nullptr) {
    // libpq quotes the part it does not understand, which may be the password.
    const bool secret = url.find('@') != url.npos || url.find("password") != url.npos;
    return error(Errc::bad_config, "the database's address cannot be understood" +
                                       (secret ? std::string() : ": " + what) +
                                       "; it has the form "
                                       "postgresql://user:password@host:port/name");
  }
  std::string target;
  for (const auto* at = options.get(); at->keyword != nullptr; ++at) {
    if (at->val == nullptr || append_option(target, at->keyword, at->val)) continue;
    return error(Errc::bad_config,
                 "the database's " + std::string(at->keyword) +
                     " holds both spaces and double quotes, which cannot be passed "
                     "on; choose another");
  }
  // A vanished server: noticed while we wait (keepalives) and while we send (user timeout).
  const auto or_else = [&](const char* keyword, const std::string& value) {
    if (option(options, keyword).empty()) append_option(target, keyword, value);
  };
  static_assert(kSilenceLimit.count() == 5 + 3 * 1, "idle, then three probes a second apart");
  or_else("keepalives", "1");
  or_else("keepalives_idle", "5");
  or_else("keepalives_interval", "1");
  or_else("keepalives_count", "3");
  or_else("tcp_user_timeout", std::to_string(kSilenceLimit.count() * 1000));
  return Target{std::move(target), shown(options)};
}

Result<Target> parse_sqlite(std::string_view path) {
  if (path.starts_with("//")) path.remove_prefix(2);
  if (path.empty()) {
    return error(Errc::bad_config, "sqlite: needs a file, as in sqlite:var/dropline.db");
  }
  // SOCI takes the path as a quoted word of a text without escapes.
  if (path.find_first_of(std::string_view("\"\n\r\0", 4)) != path.npos) {
    return error(Errc::bad_config, "a database's path must not hold quotes or line ends");
  }
  return Target{std::string(path), "sqlite:" + std::string(path)};
}

Status open_postgresql(Session::State& state, std::string target) {
  const auto limit = std::chrono::ceil<std::chrono::seconds>(state.options.connect_limit);
  append_option(target, "connect_timeout", std::to_string(std::max<long>(2, limit.count())));
  std::string application = state.options.application;
  std::replace(application.begin(), application.end(), '"', '\'');
  append_option(target, "application_name", application);
  try {
    state.session.open(soci::postgresql, target);
  } catch (const std::exception& thrown) {
    const Errc code = errc_of_connect_message(thrown.what());
    std::string what(thrown.what());
    std::replace(what.begin(), what.end(), '\n', ' ');
    what += code == Errc::refused ? "; check user, password and database name"
                                  : "; is the server running there, and has it connections left?";
    return state.make(code, "connect", what);
  }
  state.pg = static_cast<soci::postgresql_session_backend*>(state.session.get_backend())->conn_;
  PQsetNoticeProcessor(
      state.pg, [](void*, const char*) {}, nullptr);
  const auto ms = [](std::chrono::milliseconds limit) { return std::to_string(limit.count()); };
  // Plans are made once a statement, and must not turn on how small a table was at that moment:
  // what this room sends always has an index to go by.
  std::string sql =
      "SET standard_conforming_strings = on; SET client_encoding = 'UTF8'; SET TimeZone = 'UTC';"
      "SET client_min_messages = warning; SET plan_cache_mode = force_generic_plan;"
      "SET enable_seqscan = off; SET jit = off; SET bytea_output = 'hex';"
      // A process that was stopped in mid-transaction must not hold its locks for ever.
      "SET idle_in_transaction_session_timeout = 5000; SET statement_timeout = " +
      ms(state.options.statement_limit) + "; SET lock_timeout = " + ms(state.options.lock_limit) +
      ";";
  if (state.options.read_only) sql += "SET default_transaction_read_only = on;";
  return postgresql::execute(state, "session settings", sql, Phase::read);
}

/// Two processes that make the same file at once meet here, and SQLite does not wait by itself.
Status set_wal(Session::State& state) {
  const auto until = std::chrono::steady_clock::now() + state.options.lock_limit;
  while (true) {
    Status status = sqlite::execute(state, "open", "PRAGMA journal_mode = WAL", Phase::read);
    if (status.has_value() || status.error().code != Errc::busy ||
        std::chrono::steady_clock::now() >= until) {
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Status open_sqlite(Session::State& state, const std::string& path) {
  const bool memory = path == ":memory:";
  std::error_code ignored;
  if (state.options.read_only && !memory && !std::filesystem::exists(path, ignored)) {
    return state.make(Errc::bad_config, "open", "there is no such file, and it is only to be read");
  }
  try {
    state.session.open(soci::sqlite3, "dbname=\"" + path + "\"");
  } catch (const std::exception& thrown) {
    return state.make(
        Errc::bad_config, "open",
        std::string(thrown.what()) + "; does its folder exist, and may we write there?");
  }
  state.sqlite = static_cast<soci::sqlite3_session_backend*>(state.session.get_backend())->conn_;
  sqlite_api::sqlite3_busy_timeout(state.sqlite,
                                   static_cast<int>(state.options.lock_limit.count()));
  if (!memory && !state.options.read_only) {
    if (auto status = set_wal(state); status.has_error()) return status;
  }
  return sqlite::execute(state, "open",
                         std::string("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                                     "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;"
                                     "PRAGMA trusted_schema = OFF; PRAGMA schema_version;") +
                             (state.options.read_only ? "PRAGMA query_only = ON;" : ""),
                         Phase::read);
}

}  // namespace

Result<Database> Database::parse(std::string_view url, const Clock& clock) {
  if (url.find('\0') != url.npos) {
    return error(Errc::bad_config, "the database's address holds a NUL");
  }
  const bool sqlite = url.starts_with("sqlite:");
  if (!sqlite && !url.starts_with("postgresql://") && !url.starts_with("postgres://") &&
      (url.find('=') == url.npos || url.find("://") != url.npos)) {
    return error(Errc::bad_config,
                 "the database's address begins with sqlite: or postgresql://, or it is a list "
                 "such as host=… dbname=…");
  }
  auto target = sqlite ? parse_sqlite(url.substr(7)) : parse_postgresql(url);
  if (target.has_error()) return target.error();
  return Database(sqlite ? Dialect::sqlite : Dialect::postgresql, std::move(target->target),
                  std::move(target->name), clock);
}

Result<Session> Database::open(const SessionOptions& options) const {
  auto state = std::make_unique<Session::State>(dialect_, name_, *clock_, options);
  if (auto status = state->before(Seam::open, "connect"); status.has_error()) {
    return status.error();
  }
  const Status status = dialect_ == Dialect::postgresql ? open_postgresql(*state, target_)
                                                        : open_sqlite(*state, target_);
  if (status.has_error()) return status.error();
  return Session(std::move(state));
}

}  // namespace dropline::store
