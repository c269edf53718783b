#include "children.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/process_clock.hpp"
#include "dropline/base/random.hpp"
#include "support/eventually.hpp"

namespace dropline::testing {

Child::Child(const std::vector<std::string>& words, const std::filesystem::path& output) {
  std::vector<char*> arguments;
  for (const auto& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  if (::getppid() == parent) ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

Child::~Child() {
  stop();
}

bool Child::running() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
  return pid_ > 0;
}

void Child::kill() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &status_, 0);
  pid_ = 0;
}

int Child::stop() {
  if (running()) {
    ::kill(pid_, SIGTERM);
    if (!eventually([this] { return !running(); }, std::chrono::seconds(20))) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status_, 0);
      pid_ = 0;
      return -1;
    }
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

Ended ended(const std::vector<std::string>& words) {
  const auto file =
      std::filesystem::temp_directory_path() / ("dropline-output-" + SystemRandom().uuid4().text());
  Child child(words, file);
  const bool in_time = eventually([&child] { return !child.running(); }, std::chrono::minutes(1));
  const int code = child.stop();
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  std::filesystem::remove(file);
  return {in_time ? code : -1, text.str()};
}

std::string output_of(const std::vector<std::string>& words) {
  const auto run = ended(words);
  REQUIRE_MESSAGE(run.code == 0, run.text);
  auto out = run.text;
  while (!out.empty() && out.back() == '\n')
    out.pop_back();
  return out;
}

std::string program(const std::string& name) {
  const auto* folder = std::getenv(apps::kFalseClockVariable) ? "/bin-false-clock/" : "/bin/";
  return DROPLINE_BINARY_DIR + (folder + name);
}

}  // namespace dropline::testing
