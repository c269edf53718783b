#include "listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "connection.hpp"
#include "dropline/http/errors.hpp"

namespace dropline::http {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Owns an accepted socket on its way to another thread.
class Descriptor final {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_;
};

Error bind_error(const std::string& place, const std::string& address,
                 const boost::system::error_code& code) {
  if (code == asio::error::address_in_use)
    return error(Errc::address_in_use,
                 place + " is in use by another process; stop that process or choose another port");
  if (code == asio::error::access_denied)
    return error(Errc::not_permitted,
                 place + " needs a privilege this process lacks; choose a port above 1023");
  if (code == boost::system::errc::address_not_available)
    return error(Errc::bad_address, address +
                                        " is not an address of this machine; "
                                        "choose 127.0.0.1, 0.0.0.0 or one of its own");
  return error(Errc::failed, "cannot listen on " + place + ": " + code.message());
}

std::string address_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

}  // namespace

Listener::Listener(ListenerOptions options, std::vector<std::shared_ptr<IoThread>> threads)
    : options_(std::move(options)),
      threads_(std::move(threads)),
      acceptor_(threads_.front()->context()),
      timer_(threads_.front()->context()) {}

Status Listener::open() {
  boost::system::error_code code;
  const auto address = asio::ip::make_address(options_.address, code);
  if (code)
    return error(Errc::bad_address,
                 '"' + options_.address + "\" is not an IP address; write 127.0.0.1 or ::1");
  const tcp::endpoint endpoint(address, options_.port);
  const auto place = (address.is_v6() ? '[' + options_.address + ']' : options_.address) + ':' +
                     std::to_string(options_.port);
  protocol_ = endpoint.protocol();
  acceptor_.open(protocol_, code);
  // Without it a restart would wait for the last run's connections to be forgotten. Two listeners
  // on one port are still refused, which SO_REUSEPORT would allow.
  if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code && address.is_v6()) acceptor_.set_option(asio::ip::v6_only(false), code);
  if (!code) acceptor_.bind(endpoint, code);
  if (!code) acceptor_.listen(kBacklog, code);
  if (!code) acceptor_.non_blocking(true, code);
  if (!code) port_ = acceptor_.local_endpoint(code).port();
  if (code) return bind_error(place, options_.address, code);
  return {};
}

void Listener::start() {
  asio::post(threads_.front()->context(), [self = shared_from_this()] { self->wait(); });
}

void Listener::close() {
  if (!acceptor_.is_open()) return;
  accept_some(kBacklog);
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
}

void Listener::wait() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_wait(tcp::acceptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& code) {
                         if (code) return;
                         if (self->accept_some(kAcceptsAtOnce)) {
                           self->wait();
                         } else {
                           self->pause();
                         }
                       });
}

void Listener::pause() {
  constexpr std::chrono::milliseconds kPause{50};
  timer_.expires_after(kPause);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& code) {
    if (!code) self->wait();
  });
}

bool Listener::accept_some(int limit) {
  for (int i = 0; i < limit; ++i) {
    tcp::endpoint peer;
    socklen_t size = static_cast<socklen_t>(peer.capacity());
    const int descriptor =
        ::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    peer.resize(size);
    hand_over(descriptor, address_text(peer));
  }
  return true;
}

void Listener::hand_over(int descriptor, std::string client_address) {
  auto* least = &threads_.front();
  for (auto& thread : threads_) {
    if (thread->load < (*least)->load) least = &thread;
  }
  auto thread = *least;
  auto& shared = thread->shared();
  ++thread->load;
  ++shared.accepted;
  const auto open = ++shared.connections;
  // A few beyond the limit are told so; the rest is cut, or refusing would need memory without
  // bound.
  constexpr std::size_t kRefusedAtOnce = 256;
  const bool refused = open > shared.options.max_connections;
  const bool cut = open > shared.options.max_connections + kRefusedAtOnce;
  if (refused) shared.count(options_.name, Refusal::too_many_connections);
  Descriptor owned(descriptor);
  if (cut) {
    --thread->load;
    --shared.connections;
    return;
  }
  if (shared.options.observer) shared.options.observer->on_connection(options_.name, 1);
  auto& context = thread->context();
  asio::post(context, [thread = std::move(thread), self = shared_from_this(), refused,
                       owned = std::move(owned), address = std::move(client_address)]() mutable {
    const auto protocol = self->acceptor_protocol();
    Socket socket(thread->context(), protocol, owned.release());
    auto connection = std::make_shared<Connection>(std::move(thread), std::move(self),
                                                   std::move(socket), std::move(address));
    if (refused) {
      connection->start_refused();
    } else {
      connection->start();
    }
  });
}

}  // namespace dropline::http
