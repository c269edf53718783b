#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/stream/errors.hpp"

// Thin owners of SQLite's handles. They throw ErrorException with a stream::Errc, the file's name
// and the cure; guarded() turns it into a value at the edge of the room.
namespace dropline::stream::sqlite {

class Statement final {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Statement() { sqlite3_finalize(raw_); }

  [[nodiscard]] explicit operator bool() const noexcept { return raw_ != nullptr; }
  [[nodiscard]] sqlite3_stmt* raw() const noexcept { return raw_; }

  void bind(int index, std::int64_t value) const { sqlite3_bind_int64(raw_, index, value); }
  /// The bytes must stay until the next reset. Never NULL, even where the view is.
  void bind_blob(int index, std::string_view bytes) const {
    sqlite3_bind_blob64(raw_, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                        SQLITE_STATIC);
  }
  void bind_text(int index, std::string_view text) const {
    sqlite3_bind_text64(raw_, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind_null(int index) const { sqlite3_bind_null(raw_, index); }

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(raw_, column);
  }
  [[nodiscard]] bool null(int column) const {
    return sqlite3_column_type(raw_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::string_view bytes(int column) const {
    const void* data = sqlite3_column_blob(raw_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_, column));
    return {size == 0 ? "" : static_cast<const char*>(data), size};
  }

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}
  sqlite3_stmt* raw_ = nullptr;
};

/// Resets a statement when its use ends, so that it keeps no read transaction open and no pointer
/// to memory of the caller.
class Use final {
 public:
  explicit Use(const Statement& statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { sqlite3_reset(statement_.raw()); }

 private:
  const Statement& statement_;
};

/// One connection, owned or borrowed. One thread at a time.
class Database final {
 public:
  enum class Mode { write, read };

  /// Opens; the file is created where Mode::write finds none.
  Database(const std::filesystem::path& file, Mode mode);
  /// Borrows.
  Database(sqlite3* handle, std::filesystem::path file);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  [[nodiscard]] sqlite3* raw() const noexcept { return raw_; }
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

  void execute(const std::string& sql) const;
  /// ROLLBACK and its like, where there is nothing left to do about an error.
  void try_execute(const char* sql) const noexcept;
  [[nodiscard]] Statement prepare(const std::string& sql) const;
  /// True: a row is there. False: done.
  bool step(const Statement& statement) const;
  /// Runs a statement that returns nothing, and resets it.
  void run(const Statement& statement) const;
  /// First column of the first row of a query.
  [[nodiscard]] std::optional<std::int64_t> query_integer(const std::string& sql) const;
  [[nodiscard]] std::string query_text(const std::string& sql) const;

  [[nodiscard]] Error error(int code) const;
  [[noreturn]] void fail(int code) const;

 private:
  sqlite3* raw_ = nullptr;
  bool owned_;
  std::filesystem::path file_;
};

/// How long a connection of ours waits for one that holds the file's lock.
inline constexpr int kBusyTimeoutMs = 5'000;

[[nodiscard]] Error corrupt_error(const std::filesystem::path& file, const std::string& what);

template <class Function>
auto guarded(Function&& function) -> Result<decltype(function())> {
  try {
    if constexpr (std::is_void_v<decltype(function())>) {
      function();
      return {};
    } else {
      return function();
    }
  } catch (const ErrorException& exception) {
    return exception.error();
  }
}

}  // namespace dropline::stream::sqlite
