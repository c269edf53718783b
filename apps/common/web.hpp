#pragma once

#include <memory>

#include "common/keys.hpp"
#include "common/process.hpp"
#include "dropline/http/server.hpp"
#include "dropline/shop/api.hpp"

namespace dropline::apps {

/// The HTTP side of an ingress: the API and the server in front of it.
class Web final {
 public:
  /// Listens when it returns.
  [[nodiscard]] static Result<std::unique_ptr<Web>> start(const config::Settings& settings,
                                                          Process& process, const Keys& keys,
                                                          stream::Stream& stream,
                                                          const store::Database& database);
  ~Web();

  /// Answers what is under way and takes no more; returns within `limit`.
  void drain(std::chrono::milliseconds limit);

 private:
  class Observer;
  Web() = default;
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<shop::Api> api_;
  std::unique_ptr<http::Server> server_;
};

/// A server with health checks and metrics only, where `admin.address` is given; else nullptr.
[[nodiscard]] Result<std::unique_ptr<http::Server>> start_operations(
    const config::Settings& settings, Process& process);

/// Prints an error as people are told of it, and gives the exit code.
int fail(const Error& error);

}  // namespace dropline::apps
