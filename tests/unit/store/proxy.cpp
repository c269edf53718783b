#include "proxy.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "support/eventually.hpp"

namespace dropline::store {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

constexpr int kTick = 20;  // ms between looks at the stop flag

}  // namespace

Proxy::Proxy(std::uint16_t server_port) : server_port_(server_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(listener_, 8) == 0);
  REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  stop_ = true;
  thread_.join();
  close(listener_);
}

void Proxy::run() {
  while (!stop_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, kTick) <= 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(server_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      relay(client, server);
    }
    close(client);
    close(server);
  }
}

void Proxy::relay(int client, int server) {
  std::array<char, 65'536> buffer;
  while (!stop_) {
    std::array<pollfd, 2> ends{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (poll(ends.data(), ends.size(), kTick) <= 0) continue;
    const Mode mode = mode_;
    if (mode == Mode::hold) {
      testing::be_slow(std::chrono::milliseconds(kTick));
      continue;
    }
    if (ends[0].revents != 0) {
      const ssize_t size = read(client, buffer.data(), buffer.size());
      if (size <= 0 || mode == Mode::cut_before) return;
      if (write(server, buffer.data(), static_cast<std::size_t>(size)) != size) return;
    }
    if (ends[1].revents != 0) {
      const ssize_t size = read(server, buffer.data(), buffer.size());
      if (size <= 0 || mode == Mode::cut_answer) return;
      if (write(client, buffer.data(), static_cast<std::size_t>(size)) != size) return;
    }
  }
}

}  // namespace dropline::store
