#pragma once

#include <memory>
#include <string>
#include <vector>

#include "subject.hpp"

/// The test executable run again as another process that can be killed or stopped. `address` is
/// what Subject::at() understands.
namespace dropline::stream::conformance {

/// What main() does when it is told to be a child; absent when it is not.
[[nodiscard]] std::optional<int> run_as_child(int argc, char** argv);

/// See Place::write_until_killed().
[[nodiscard]] std::vector<Acknowledged> kill_a_writer(const std::string& address,
                                                      const std::string& topic,
                                                      std::size_t at_least);

/// A companion in a process of its own; it polls by itself and is silenced by SIGSTOP.
[[nodiscard]] std::unique_ptr<Companion> spawn_member(const std::string& address,
                                                      const std::string& group,
                                                      const std::string& topic,
                                                      const std::string& name);

}  // namespace dropline::stream::conformance
