#include "database.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace dropline::stream::sqlite {

Error corrupt_error(const std::filesystem::path& file, const std::string& what) {
  return stream::error(
      Errc::corrupt, "the log file " + file.string() + " cannot be used: " + what +
                         "; stop the writer, keep a copy of the file with its -wal, then restore a "
                         "backup, or salvage what is readable with `sqlite3 FILE .recover`");
}

Database::Database(const std::filesystem::path& file, Mode mode) : owned_(true), file_(file) {
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
      (mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const int code = sqlite3_open_v2(file_.c_str(), &raw_, flags, nullptr);
  if (code != SQLITE_OK) {
    const Error found = error(code);
    sqlite3_close(raw_);
    throw ErrorException(found);
  }
  sqlite3_busy_timeout(raw_, kBusyTimeoutMs);
}

Database::Database(sqlite3* handle, std::filesystem::path file)
    : raw_(handle), owned_(false), file_(std::move(file)) {}

Database::~Database() {
  if (owned_) sqlite3_close(raw_);
}

Error Database::error(int code) const {
  const std::string said = raw_ != nullptr ? sqlite3_errmsg(raw_) : sqlite3_errstr(code);
  const int cause = raw_ != nullptr ? sqlite3_system_errno(raw_) : 0;
  const std::string name = file_.string();
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return stream::error(Errc::disk_full,
                           "no space left for " + name + "; free some, writing goes on by itself");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt_error(file_, said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return stream::error(Errc::timed_out,
                           "another connection holds " + name + " (" + said +
                               "); end the program that has a transaction open on it");
    case SQLITE_CANTOPEN:
      return stream::error(Errc::failed, "cannot open " + name + ": " +
                                             (cause != 0 ? std::strerror(cause) : said) +
                                             "; check that the folder exists and may be written");
    case SQLITE_IOERR:
      if (cause == ENOSPC || cause == EDQUOT) {
        return stream::error(Errc::disk_full, "no space left beside " + name +
                                                  "; free some, writing goes on by itself");
      }
      // The file ends before a page that it says it has.
      if (code == SQLITE_IOERR_SHORT_READ) return corrupt_error(file_, "it is truncated");
      return stream::error(Errc::failed,
                           "input or output on " + name + " failed: " + said +
                               (cause != 0 ? std::string(", ") + std::strerror(cause) : ""));
    default:
      return stream::error(Errc::failed, name + ": " + said);
  }
}

void Database::fail(int code) const {
  throw ErrorException(error(code));
}

void Database::execute(const std::string& sql) const {
  const int code = sqlite3_exec(raw_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(sqlite3_extended_errcode(raw_));
}

void Database::try_execute(const char* sql) const noexcept {
  sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr);
}

Statement Database::prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(raw_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(sqlite3_extended_errcode(raw_));
  return Statement(statement);
}

bool Database::step(const Statement& statement) const {
  const int code = sqlite3_step(statement.raw());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const Error found = error(sqlite3_extended_errcode(raw_));
  sqlite3_reset(statement.raw());
  throw ErrorException(found);
}

void Database::run(const Statement& statement) const {
  const Use use(statement);
  while (step(statement)) {
  }
}

std::optional<std::int64_t> Database::query_integer(const std::string& sql) const {
  const Statement statement = prepare(sql);
  if (!step(statement) || statement.null(0)) return std::nullopt;
  return statement.integer(0);
}

std::string Database::query_text(const std::string& sql) const {
  const Statement statement = prepare(sql);
  if (!step(statement)) return {};
  return std::string(statement.bytes(0));
}

}  // namespace dropline::stream::sqlite
