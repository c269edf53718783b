#include "dropline/stream/sqlite/writer_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "dropline/stream/errors.hpp"

namespace dropline::stream {
namespace {

std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const auto size = ::pread(descriptor, text.data(), text.size() - 1, 0);
  std::string pid;
  for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i)
    pid.push_back(text[i]);
  return pid;
}

Error failed(const std::filesystem::path& path, int cause) {
  return error(Errc::failed, "cannot make the lock file " + path.string() + ": " +
                                 std::strerror(cause) +
                                 "; check that the folder exists and may be written");
}

}  // namespace

WriterLock::WriterLock(std::filesystem::path file, int descriptor)
    : file_(std::move(file)), descriptor_(descriptor) {}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<WriterLock> WriterLock::acquire(const std::filesystem::path& file) {
  std::error_code ignored;
  auto resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(file), ignored);
  if (ignored) resolved = file;
  auto path = resolved;
  path += ".lock";
  // flock() belongs to the open file, so it also keeps out a second stream of this process, and no
  // close() of another descriptor gives it away.
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return failed(path, errno);
  WriterLock lock(resolved, descriptor);
  int result;
  do {
    result = ::flock(descriptor, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK) return failed(path, errno);
  if (result != 0) {
    const std::string pid = holder_of(descriptor);
    return error(Errc::locked,
                 "the log file " + resolved.string() + " is already being written by " +
                     (pid.empty() ? std::string("another process") : "process " + pid) +
                     "; stop it first, or open the file read-only");
  }
  // The number is for the sentence above only: failing to write it (a full disk) costs no more.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(descriptor, pid.data(), pid.size(), 0);
  }
  return lock;
}

}  // namespace dropline::stream
