#include "support/false_clock/shared_clock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <system_error>

namespace dropline::testing {
namespace {

constexpr std::size_t kBytes = sizeof(std::atomic<std::int64_t>);
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "it is shared between processes");

[[noreturn]] void fail(const std::filesystem::path& file) {
  throw std::system_error(errno, std::generic_category(), file.string());
}

/// Bytes of a file that was just made are 0, and so is the clock's lead.
void* map(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0 || ::ftruncate(descriptor, kBytes) != 0) fail(file);
  void* const bytes = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  if (bytes == MAP_FAILED) fail(file);
  return bytes;
}

}  // namespace

SharedClock::SharedClock(const std::filesystem::path& file)
    : ahead_(static_cast<std::atomic<std::int64_t>*>(map(file))) {}

SharedClock::~SharedClock() {
  ::munmap(ahead_, kBytes);
}

}  // namespace dropline::testing
