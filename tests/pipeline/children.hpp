#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace dropline::testing {

/// A program of ours that a test runs. Its output goes to a file; it dies with the test.
class Child final {
 public:
  Child(const std::vector<std::string>& words, const std::filesystem::path& output);
  ~Child();  ///< as stop()
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// SIGKILL; it is gone when this returns.
  void kill();
  /// SIGTERM, and the exit code; SIGKILL and -1 where that was not enough within 20 s.
  int stop();
  [[nodiscard]] bool running();

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

/// What a command came to: its exit code, and all that it printed.
struct Ended {
  int code = -1;  ///< -1: it did not end within a minute
  std::string text;
};
[[nodiscard]] Ended ended(const std::vector<std::string>& words);

/// Runs to its end and gives what it printed; fails the test where it fails.
[[nodiscard]] std::string output_of(const std::vector<std::string>& words);

/// A program of this build; where a false clock is set, the one that was built to follow it.
[[nodiscard]] std::string program(const std::string& name);

}  // namespace dropline::testing
