#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

TEST_CASE("a second writer is refused with the file's name and the holder's process id") {
  const Folder folder;
  const auto first = SqliteStream::open(options_for(folder)).value();
  const auto second = SqliteStream::open(options_for(folder));
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::locked);
  CHECK(second.error().severity() == Severity::fatal);
  CHECK(second.error().detail.find(folder.file().filename().string()) != std::string::npos);
  CHECK(second.error().detail.find("process " + std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("the lock holds under another name of the same file") {
  const Folder folder;
  const auto first = SqliteStream::open(options_for(folder)).value();
  const auto alias = folder.path() / "alias.db";
  std::filesystem::create_symlink(folder.file(), alias);
  SqliteOptions options;
  options.file = alias;
  const auto second = SqliteStream::open(options);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::locked);
}

TEST_CASE(
    "the lock is free again when its holder has closed or died, and a stale file is no lock") {
  const Folder folder;
  { const auto first = SqliteStream::open(options_for(folder)).value(); }
  { const auto again = SqliteStream::open(options_for(folder)).value(); }
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = WriterLock::acquire(folder.file());
    ::_exit(lock.has_value() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  std::ofstream(folder.file().string() + ".lock") << "999999999\n";
  CHECK(SqliteStream::open(options_for(folder)).has_value());
}

TEST_CASE("an attached stream locks too, or takes over the lock that its caller holds") {
  const Folder folder;
  {
    Attached attached(options_for(folder));
    CHECK(SqliteStream::open(options_for(folder)).error().code == Errc::locked);
    CHECK(WriterLock::acquire(folder.file()).error().code == Errc::locked);
  }
  auto lock = WriterLock::acquire(folder.file()).value();
  const Connection connection(folder.file());
  CHECK(SqliteStream::attach(connection.raw(), options_for(folder)).error().code == Errc::locked);
  const auto stream = SqliteStream::attach(connection.raw(), options_for(folder), std::move(lock));
  REQUIRE(stream.has_value());
  CHECK(WriterLock::acquire(folder.file()).error().code == Errc::locked);
}

TEST_CASE("a folder that does not exist is named") {
  SqliteOptions options;
  options.file = "/nonexistent/folder/log.db";
  const auto opened = SqliteStream::open(options);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().detail.find("/nonexistent/folder") != std::string::npos);
}

}  // namespace
}  // namespace dropline::stream::testing
