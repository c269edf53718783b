#pragma once

#include <functional>
#include <memory>

#include "common/keys.hpp"
#include "common/process.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/worker/call_threads.hpp"

namespace dropline::apps {

/// What payments needs of the world outside, as the settings have it. Outlives the service.
class Outside final {
 public:
  /// Nothing where `gateway.address` is not set.
  [[nodiscard]] static std::unique_ptr<Outside> open(const config::Settings& settings,
                                                     Process& process, const Keys& keys);

  ~Outside();

  [[nodiscard]] worker::Caller& caller();
  [[nodiscard]] const worker::CallTerms& terms() const;
  /// See CallThreads.
  void on_change(std::function<void()> wake);

 private:
  struct Parts;
  explicit Outside(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

/// A gateway that is not configured: calls wait in the table until it is.
class NoGateway final : public worker::Caller {
 public:
  [[nodiscard]] std::size_t room() const override { return 0; }
  void start(worker::Call) override {}
  [[nodiscard]] std::vector<worker::Answer> take() override { return {}; }
  [[nodiscard]] bool has_answers() const override { return false; }
};

}  // namespace dropline::apps
