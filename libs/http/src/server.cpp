#include "dropline/http/server.hpp"

#include <boost/asio/post.hpp>
#include <mutex>

#include "connection.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/http/errors.hpp"
#include "io_thread.hpp"
#include "listener.hpp"

namespace dropline::http {
namespace asio = boost::asio;

namespace {

constexpr unsigned kMaxIoThreads = 64;

Status check(const ServerOptions& options, const std::vector<ListenerOptions>& listeners) {
  const auto bad = [](const char* detail) { return Status(error(Errc::bad_options, detail)); };
  if (listeners.empty()) return bad("a server needs at least one listener");
  if (options.io_threads == 0 || options.io_threads > kMaxIoThreads)
    return bad("io_threads must be 1 to 64");
  if (options.max_connections == 0 || options.max_in_flight == 0 || options.max_pipelined == 0)
    return bad("max_connections, max_in_flight and max_pipelined must be at least 1");
  constexpr std::size_t kLeastHead = 256;
  if (options.max_head_bytes < kLeastHead || options.max_header_count == 0)
    return bad("max_head_bytes must be at least 256 and max_header_count at least 1");
  if (options.max_request_line_bytes > options.max_head_bytes)
    return bad("max_request_line_bytes must not exceed max_head_bytes");
  for (const auto deadline :
       {options.head_deadline, options.body_deadline, options.idle_deadline, options.write_deadline,
        options.answer_deadline, options.linger_deadline, options.stream_ping}) {
    if (deadline <= std::chrono::milliseconds::zero()) return bad("deadlines must be positive");
  }
  return {};
}

}  // namespace

class Server::Core final {
 public:
  explicit Core(ServerOptions options) : shared_(std::make_shared<Shared>(std::move(options))) {}

  Status open(std::vector<ListenerOptions> listeners) {
    for (unsigned i = 0; i < shared_->options.io_threads; ++i)
      threads_.push_back(std::make_shared<IoThread>(shared_));
    for (auto& options : listeners) {
      auto listener = std::make_shared<Listener>(std::move(options), threads_);
      if (auto opened = listener->open(); !opened) return opened;
      listeners_.push_back(std::move(listener));
    }
    for (auto& thread : threads_)
      thread->start();
    for (auto& listener : listeners_)
      listener->start();
    running_ = true;
    return {};
  }

  bool drain(std::chrono::milliseconds limit) {
    if (!running_) return true;
    running_ = false;
    shared_->closing_answers = true;
    shared_->draining = true;
    // Doors first, so that a connection accepted last is seen by the visit that follows it.
    asio::post(threads_.front()->context(), [this] {
      for (auto& listener : listeners_)
        listener->close();
      visit_all([](Connection& connection) { connection.drain(); });
    });
    bool clean = false;
    {
      std::unique_lock lock(shared_->gone_mutex);
      clean = shared_->gone.wait_for(lock, limit, [this] { return shared_->connections == 0; });
    }
    // By way of the first thread too: what it handed over last must be there to be cut.
    asio::post(threads_.front()->context(),
               [this] { visit_all([](Connection& connection) { connection.cut(); }); });
    for (auto& thread : threads_)
      thread->stop();
    listeners_.clear();
    return clean;
  }

  [[nodiscard]] std::uint16_t port(std::size_t listener) const {
    ensure(listener < ports_.size(), "a server has the listener asked for");
    return ports_[listener];
  }
  void remember_ports() {
    for (const auto& listener : listeners_)
      ports_.push_back(listener->port());
  }
  [[nodiscard]] Shared& shared() const noexcept { return *shared_; }

 private:
  void visit_all(void (*visit)(Connection&)) {
    for (auto& thread : threads_) {
      asio::post(thread->context(),
                 [thread = thread.get(), visit] { thread->each_connection(visit); });
    }
  }

  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<IoThread>> threads_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::uint16_t> ports_;
  bool running_ = false;
};

Result<std::unique_ptr<Server>> Server::start(ServerOptions options,
                                              std::vector<ListenerOptions> listeners) {
  if (const auto checked = check(options, listeners); !checked) return checked.error();
  try {
    auto core = std::make_shared<Core>(std::move(options));
    if (auto opened = core->open(std::move(listeners)); !opened) return opened.error();
    core->remember_ports();
    return std::unique_ptr<Server>(new Server(std::move(core)));
  } catch (const std::exception& failure) {
    return error(Errc::failed, std::string("the server did not start: ") + failure.what());
  }
}

Server::Server(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Server::~Server() {
  drain(std::chrono::milliseconds::zero());
}

std::uint16_t Server::port(std::size_t listener) const {
  return core_->port(listener);
}

ServerStats Server::stats() const {
  const auto& shared = core_->shared();
  ServerStats stats;
  stats.connections = shared.connections;
  stats.in_flight = shared.in_flight;
  stats.streams = shared.streams;
  stats.accepted = shared.accepted;
  stats.requests = shared.requests;
  for (std::size_t i = 0; i < kRefusalCount; ++i)
    stats.refusals[i] = shared.refusals[i];
  return stats;
}

void Server::announce_drain() {
  core_->shared().closing_answers = true;
}

bool Server::drain(std::chrono::milliseconds limit) {
  return core_->drain(limit);
}

}  // namespace dropline::http
