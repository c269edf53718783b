#include "rush.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <deque>
#include <random>

#include "dropline/config/errors.hpp"

namespace dropline::load {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kEventsAtOnce = 256;
constexpr milliseconds kPauseBeforeReconnect{50};

/// A full answer at the front of `input`, as much of HTTP/1.1 as the shop speaks to its shoppers.
struct Parsed {
  int status = 0;
  std::size_t head = 0;
  std::size_t total = 0;  ///< 0: there is more to come
  bool close = false;
};

bool names_header(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
           return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
         });
}

Parsed parse(std::string_view input) {
  Parsed parsed;
  const auto end = input.find("\r\n\r\n");
  if (end == std::string_view::npos || input.size() < 12) return parsed;
  parsed.head = end + 4;
  std::from_chars(input.data() + 9, input.data() + 12, parsed.status);
  std::size_t length = 0;
  for (auto at = input.find("\r\n") + 2; at < end;) {
    const auto next = input.find("\r\n", at);
    const auto line = input.substr(at, next - at);
    if (names_header(line, "content-length")) {
      const auto digits = line.substr(line.find_first_of("0123456789"));
      std::from_chars(digits.data(), digits.data() + digits.size(), length);
    } else if (names_header(line, "connection")) {
      parsed.close = line.find("close") != std::string_view::npos;
    }
    at = next + 2;
  }
  if (input.size() >= parsed.head + length) parsed.total = parsed.head + length;
  return parsed;
}

struct Connection {
  int socket = -1;
  sockaddr_in to{};
  bool connecting = false;
  bool busy = false;
  bool wants_write = false;
  std::string out;
  std::size_t written = 0;
  std::string in;
  std::uint64_t arrival = 0;
  SteadyTime intended, sent, give_up, may_connect;
};

/// Exponential pauses: shoppers do not know of each other.
class Arrivals final {
 public:
  Arrivals(double rate, std::uint64_t seed, SteadyTime start)
      : pause_(rate), random_(seed), next_(start) {
    step();
  }
  [[nodiscard]] SteadyTime next() const { return next_; }
  void step() {
    next_ +=
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(pause_(random_)));
  }

 private:
  std::exponential_distribution<double> pause_;
  std::mt19937_64 random_;
  SteadyTime next_;
};

class Crowd final {
 public:
  Crowd(const RushOptions& options, const Rush::Write& write, const Rush::Told& told)
      : options_(options), write_(write), told_(told), poll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Crowd() {
    for (auto& each : connections_)
      if (each.socket >= 0) ::close(each.socket);
    ::close(poll_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  Status open();
  Rush::Totals run();

 private:
  void connect(Connection& each);
  void drop(Connection& each);
  void send(Connection& each, SteadyTime intended);
  void flush(Connection& each);
  void read(Connection& each);
  void answer(Connection& each, int status, std::string_view body);
  void handle(const epoll_event& event);
  void look_after();
  void start_due(Arrivals& arrivals, SteadyTime end);
  void start_idle(SteadyTime end);
  void watch(Connection& each, bool write) const;

  const RushOptions& options_;
  const Rush::Write& write_;
  const Rush::Told& told_;
  int poll_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::deque<SteadyTime> waiting_;
  std::size_t busy_ = 0;
  std::uint64_t arrivals_ = 0;
  Rush::Totals totals_;
  std::array<char, kReadBytes> buffer_{};
};

Status Crowd::open() {
  connections_.resize(options_.connections);
  for (std::size_t at = 0; at < connections_.size(); ++at) {
    auto& each = connections_[at];
    const auto& server = options_.servers[at % options_.servers.size()];
    each.to.sin_family = AF_INET;
    each.to.sin_port = htons(server.port);
    if (::inet_pton(AF_INET, server.host.c_str(), &each.to.sin_addr) != 1)
      return config::error(config::Errc::usage, server.host + " is no IPv4 address");
    connect(each);
    if (each.socket < 0)
      return config::error(config::Errc::usage, "no connection to " + server.host + ":" +
                                                    std::to_string(server.port) +
                                                    ": is the shop running?");
  }
  return {};
}

void Crowd::watch(Connection& each, bool write) const {
  epoll_event event{};
  event.events = EPOLLIN | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = static_cast<std::uint64_t>(&each - connections_.data());
  ::epoll_ctl(poll_, each.wants_write == write ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, each.socket,
              &event);
  each.wants_write = write;
}

/// Blocking: a shop on this machine takes a connection at once or not at all.
void Crowd::connect(Connection& each) {
  each.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (each.socket < 0) return;
  const int on = 1;
  ::setsockopt(each.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval limit{2, 0};
  ::setsockopt(each.socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(each.socket, reinterpret_cast<const sockaddr*>(&each.to), sizeof each.to) != 0) {
    ::close(each.socket);
    each.socket = -1;
    each.may_connect = Clock::now() + kPauseBeforeReconnect;
    return;
  }
  each.wants_write = false;
  watch(each, false);
  idle_.push_back(static_cast<std::size_t>(&each - connections_.data()));
}

void Crowd::drop(Connection& each) {
  ::close(each.socket);
  each.socket = -1;
  each.in.clear();
  each.may_connect = Clock::now();
  if (each.busy) {
    ++totals_.lost;
    answer(each, 0, {});
  }
  std::erase(idle_, static_cast<std::size_t>(&each - connections_.data()));
}

void Crowd::answer(Connection& each, int status, std::string_view body) {
  each.busy = false;
  --busy_;
  told_({each.arrival, status, body, each.intended, each.sent, Clock::now()});
}

void Crowd::send(Connection& each, SteadyTime intended) {
  each.out.clear();
  each.written = 0;
  each.arrival = arrivals_++;
  write_(each.arrival, each.out);
  each.intended = intended;
  each.sent = Clock::now();
  each.give_up = each.sent + options_.patience;
  each.busy = true;
  ++busy_;
  ++totals_.sent;
  flush(each);
}

void Crowd::flush(Connection& each) {
  while (each.written < each.out.size()) {
    const auto sent = ::send(each.socket, each.out.data() + each.written,
                             each.out.size() - each.written, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!each.wants_write) watch(each, true);
      return;
    }
    if (sent < 0) return drop(each);
    each.written += static_cast<std::size_t>(sent);
  }
}

void Crowd::read(Connection& each) {
  const auto got = ::recv(each.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got <= 0) return drop(each);
  each.in.append(buffer_.data(), static_cast<std::size_t>(got));
  const auto parsed = parse(each.in);
  if (parsed.total == 0 || !each.busy) return;
  answer(each, parsed.status,
         std::string_view(each.in).substr(parsed.head, parsed.total - parsed.head));
  each.in.erase(0, parsed.total);
  if (parsed.close) return drop(each);
  idle_.push_back(static_cast<std::size_t>(&each - connections_.data()));
}

void Crowd::handle(const epoll_event& event) {
  auto& each = connections_[event.data.u64];
  if (each.socket < 0) return;
  if ((event.events & EPOLLOUT) != 0) {
    epoll_event quiet{};
    quiet.events = EPOLLIN;
    quiet.data = event.data;
    ::epoll_ctl(poll_, EPOLL_CTL_MOD, each.socket, &quiet);
    each.wants_write = false;
    flush(each);
  }
  if (each.socket >= 0 && (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(each);
}

/// What waits too long is given up, what was closed is opened again.
void Crowd::look_after() {
  const auto now = Clock::now();
  for (auto& each : connections_) {
    if (each.busy && now >= each.give_up) drop(each);
    if (each.socket < 0 && now >= each.may_connect) connect(each);
  }
}

void Crowd::start_due(Arrivals& arrivals, SteadyTime end) {
  const auto now = Clock::now();
  for (; arrivals.next() <= now && arrivals.next() < end; arrivals.step())
    waiting_.push_back(arrivals.next());
  while (!waiting_.empty() && !idle_.empty()) {
    auto& each = connections_[idle_.back()];
    idle_.pop_back();
    const auto intended = waiting_.front();
    waiting_.pop_front();
    send(each, intended);
  }
}

void Crowd::start_idle(SteadyTime end) {
  const auto now = Clock::now();
  if (now >= end) return;
  auto idle = std::move(idle_);
  idle_.clear();
  for (const auto at : idle)
    send(connections_[at], now);
}

Rush::Totals Crowd::run() {
  const auto start = Clock::now();
  const auto end = start + options_.length;
  const bool open_loop = options_.rate > 0;
  Arrivals arrivals(open_loop ? options_.rate : 1.0, options_.seed, start);
  std::array<epoll_event, kEventsAtOnce> events{};
  auto looked = start;
  while (true) {
    const auto now = Clock::now();
    if (now >= end && ((busy_ == 0 && waiting_.empty()) || now >= end + options_.patience)) break;
    if (open_loop)
      start_due(arrivals, end);
    else
      start_idle(end);
    if (now - looked > milliseconds(100)) {
      look_after();
      looked = now;
    }
    const int wait = open_loop && now < end ? 1 : 20;
    const int count = ::epoll_wait(poll_, events.data(), kEventsAtOnce, wait);
    for (int at = 0; at < count; ++at)
      handle(events[static_cast<std::size_t>(at)]);
  }
  totals_.unsent = waiting_.size();
  return totals_;
}

}  // namespace

Result<Rush::Totals> Rush::run(const RushOptions& options, const Write& write,
                               const Told& answered) {
  Crowd crowd(options, write, answered);
  if (auto opened = crowd.open(); !opened) return opened.error();
  return crowd.run();
}

}  // namespace dropline::load
