#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "children.hpp"
#include "client.hpp"
#include "dropline/http/server.hpp"
#include "support/false_clock/shared_clock.hpp"
#include "surroundings.hpp"

namespace dropline::testing {

/// A message that the sink was sent, every copy of it.
struct Told {
  std::string id;    ///< its `webhook-id`
  std::string body;  ///< of the first copy
  int copies = 0;
  bool genuine = true;  ///< all were signed well, and all were the same
};

/// Takes what is posted to it, as a messaging service or another platform does. Any thread.
class Sink final {
 public:
  explicit Sink(std::string secret);

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] const std::string& secret() const { return secret_; }
  /// What came to that path, in the order in which each first came.
  [[nodiscard]] std::vector<Told> told(const std::string& path) const;
  /// Copies that came to that path, refused ones too.
  [[nodiscard]] int requests(const std::string& path) const;
  /// From now on it answers 503, or takes what comes.
  void refuse(bool refuses);

 private:
  void take(const std::string& path, const http::ExchangePtr& exchange);

  std::string secret_;
  mutable std::mutex lock_;
  bool refuses_ = false;
  std::map<std::string, int> requests_;
  std::map<std::string, std::vector<Told>> told_;
  std::unique_ptr<http::Server> server_;
};

/// A gateway and its bank, who is told of things, and the town's clock: all processes go by it, and
/// only tests move it.
class Town final : public Surroundings {
 public:
  static Town& get();
  Town();
  ~Town() override;

  [[nodiscard]] const Clock& clock() const override { return *clock_; }
  [[nodiscard]] std::vector<std::string> flags() const override;
  void shop_opens(const std::filesystem::path& data_dir, std::uint16_t port) override;

  void pass(std::chrono::seconds time) { clock_->advance(time); }
  [[nodiscard]] Sink& sink() { return sink_; }
  [[nodiscard]] Reply gateway(const std::string& path, const std::string& body);
  [[nodiscard]] Reply gateway_get(const std::string& path);

 private:
  std::filesystem::path folder_;
  std::unique_ptr<SharedClock> clock_;
  Sink sink_;
  std::uint16_t gateway_port_ = free_port();
  std::unique_ptr<Child> gateway_;
};

}  // namespace dropline::testing
