#include "secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "dropline/config/errors.hpp"

namespace dropline::config {
namespace {

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Error unreadable(const std::string& path, const std::string& why) {
  return error(Errc::unreadable_file, "cannot read " + path + ": " + why);
}

Result<std::string> read_open(int fd, const std::string& path, std::size_t limit) {
  std::string text;
  std::array<char, 16 * 1024> chunk{};
  while (true) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, std::strerror(errno));
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) {
      return unreadable(path, "it is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return unreadable(path, std::strerror(errno));
  return read_open(file.get(), path, limit);
}

Result<std::string> read_secret_file(const std::string& path, std::vector<std::string>& warnings) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return unreadable(path, std::strerror(errno));
  struct stat status {};
  // Pipes, as shells make them of <(command), have no permissions worth a word.
  if (fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777);
    warnings.push_back("others may read the secret in " + path + " (mode " + mode.data() +
                       "); chmod 600 it");
  }
  auto text = read_open(file.get(), path, kMaxSecretBytes);
  if (!text) return text;
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return unreadable(path, "it is empty");
  return text;
}

}  // namespace dropline::config
