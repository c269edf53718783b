#pragma once

#include <filesystem>
#include <string>

#include "dropline/base/error.hpp"

namespace dropline::stream {

/// The right to write to one log file: an advisory lock (flock) on `<file>.lock` beside it, with
/// the holder's process id inside. The kernel gives it back when the holder dies, however it dies;
/// the sidecar file stays and means nothing by itself. Symbolic links are resolved first, so two
/// names of one file meet at one lock. Readers need none.
///
/// Move-only; released by the destructor. A second acquire() fails in the same process too.
class WriterLock final {
 public:
  /// Does not wait. Errc::locked names the file, the holder's process id where it can be read, and
  /// the cure; Errc::failed where the folder cannot be written.
  [[nodiscard]] static Result<WriterLock> acquire(const std::filesystem::path& file);

  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&& other) noexcept;
  ~WriterLock();

  /// The log file this lock is for, resolved.
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

 private:
  WriterLock(std::filesystem::path file, int descriptor);

  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace dropline::stream
