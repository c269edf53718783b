#include "io_thread.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <ctime>

#include "connection.hpp"
#include "dropline/base/ensure.hpp"

namespace dropline::http {
namespace asio = boost::asio;

struct IoThread::Registry {
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections;
};

Shared::Shared(ServerOptions given) : options(std::move(given)) {}

void Shared::count(std::string_view listener, Refusal refusal) noexcept {
  ++refusals[static_cast<std::size_t>(refusal)];
  if (options.observer) options.observer->on_refusal(listener, refusal);
}

void IoThread::Pool::fill(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    if (used_ == bytes_.size()) {
      const std::scoped_lock lock(shared_.random_mutex);
      auto& source = shared_.options.random ? *shared_.options.random
                                            : static_cast<Random&>(shared_.system_random);
      source.fill(bytes_);
      used_ = 0;
    }
    const auto size = std::min(bytes.size(), bytes_.size() - used_);
    std::memcpy(bytes.data(), bytes_.data() + used_, size);
    used_ += size;
    bytes = bytes.subspan(size);
  }
}

IoThread::IoThread(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)),
      work_(context_.get_executor()),
      timer_(context_),
      registry_(std::make_unique<Registry>()),
      scratch_(std::make_unique<std::array<char, kScratchBytes>>()),
      random_(*shared_) {}

IoThread::~IoThread() {
  ensure(!thread_.joinable(), "an io thread is stopped before it goes");
}

void IoThread::start() {
  thread_ = std::thread([this] {
    id_ = std::this_thread::get_id();
    context_.run();
  });
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    work_.reset();
    timer_.cancel();
    timer_at_ = SteadyTime::min();
  });
  thread_.join();
  // Letters posted at the last moment hold connections, and those hold this.
  std::vector<Letter> unread;
  {
    const std::scoped_lock lock(mail_mutex_);
    mail_closed_ = true;
    unread.swap(mail_);
  }
}

bool IoThread::mail(Letter letter) {
  bool first = false;
  {
    const std::scoped_lock lock(mail_mutex_);
    if (mail_closed_) return false;
    first = mail_.empty();
    mail_.push_back(std::move(letter));
  }
  // One wake-up for all letters that come before it is heard.
  if (first) asio::post(context_, [this] { read_mail(); });
  return true;
}

void IoThread::read_mail() {
  std::vector<Letter> letters;
  {
    const std::scoped_lock lock(mail_mutex_);
    letters.swap(mail_);
  }
  for (auto& letter : letters)
    letter.connection->on_letter(letter);
}

void IoThread::enter(Connection& connection) noexcept {
  registry_->connections.push_back(connection);
}

void IoThread::each_connection(const std::function<void(Connection&)>& visit) {
  auto& list = registry_->connections;
  for (auto at = list.begin(); at != list.end();) {
    auto& connection = *at;
    ++at;
    visit(connection);
  }
}

std::chrono::milliseconds IoThread::duration(DeadlineKind kind) const noexcept {
  const auto& options = shared_->options;
  switch (kind) {
    case DeadlineKind::idle:
      return options.idle_deadline;
    case DeadlineKind::head:
      return options.head_deadline;
    case DeadlineKind::body:
      return options.body_deadline;
    case DeadlineKind::answer:
      return options.answer_deadline;
    case DeadlineKind::write:
      return options.write_deadline;
    case DeadlineKind::linger:
      return options.linger_deadline;
    case DeadlineKind::ping:
      return options.stream_ping;
  }
  return options.idle_deadline;
}

void IoThread::arm(Deadline& deadline, DeadlineKind kind) {
  deadline.unlink();
  deadline.kind = kind;
  deadline.at = std::chrono::steady_clock::now() + duration(kind);
  deadlines_[static_cast<std::size_t>(kind)].push_back(deadline);
  if (deadline.at < timer_at_) set_timer(deadline.at);
}

void IoThread::set_timer(SteadyTime at) {
  timer_at_ = at;
  timer_.expires_at(at);
  timer_.async_wait([this](const boost::system::error_code& code) {
    if (!code) expire();
  });
}

void IoThread::expire() {
  // Coarse on purpose: a storm of deadlines close together shares one wake-up.
  constexpr std::chrono::milliseconds kGrain{5};
  timer_at_ = SteadyTime::max();
  const auto now = std::chrono::steady_clock::now();
  for (auto& list : deadlines_) {
    while (!list.empty() && list.front().at <= now) {
      auto& deadline = list.front();
      list.pop_front();
      deadline.owner->on_deadline(deadline.kind);
    }
  }
  auto next = SteadyTime::max();
  for (const auto& list : deadlines_) {
    if (!list.empty()) next = std::min(next, list.front().at);
  }
  if (next < timer_at_) set_timer(std::max(next, now + kGrain));
}

std::string_view IoThread::date() {
  const auto second = std::time(nullptr);
  if (second != date_second_) {
    std::tm parts{};
    gmtime_r(&second, &parts);
    char text[32];
    const auto size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_.assign(text, size);
    date_second_ = second;
  }
  return date_;
}

}  // namespace dropline::http
