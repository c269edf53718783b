#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace dropline::store {

/// Stands between a session and a server on loopback, and does to their connections what networks
/// do.
class Proxy final {
 public:
  enum class Mode {
    pass,
    cut_before,  ///< what the session sends next does not arrive; the connection ends
    cut_answer,  ///< it arrives, but the answer does not; the connection ends
    hold,        ///< nothing arrives and nothing ends
  };

  explicit Proxy(std::uint16_t server_port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void set(Mode mode) { mode_ = mode; }

 private:
  void run();
  /// One connection until it ends.
  void relay(int client, int server);

  std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<Mode> mode_{Mode::pass};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace dropline::store
