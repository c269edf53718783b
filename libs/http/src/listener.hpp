#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dropline/http/server.hpp"
#include "io_thread.hpp"

namespace dropline::http {

/// Accepts on one address and deals connections out to the least loaded thread. Its acceptor lives
/// on the first thread.
class Listener final : public std::enable_shared_from_this<Listener> {
 public:
  /// What OPTIONS * answers.
  static constexpr std::string_view kAllow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

  Listener(ListenerOptions options, std::vector<std::shared_ptr<IoThread>> threads);

  [[nodiscard]] Status open();
  /// Begins to accept; any thread.
  void start();
  /// No more connections; what the kernel had ready is still taken. On the first thread.
  void close();

  [[nodiscard]] const ListenerOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, IoExecutor>;
  using Timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;

  static constexpr int kBacklog = 4'096;
  static constexpr int kAcceptsAtOnce = 64;

  void wait();
  /// False when accepting has to pause: no file descriptors are left.
  bool accept_some(int limit);
  void hand_over(int descriptor, std::string client_address);
  [[nodiscard]] boost::asio::ip::tcp acceptor_protocol() const noexcept { return protocol_; }
  void pause();

  ListenerOptions options_;
  std::vector<std::shared_ptr<IoThread>> threads_;
  Acceptor acceptor_;
  Timer timer_;
  std::uint16_t port_ = 0;
  boost::asio::ip::tcp protocol_ = boost::asio::ip::tcp::v4();
};

}  // namespace dropline::http
