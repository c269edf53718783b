#pragma once

#include <array>
#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dropline/http/server.hpp"

namespace dropline::http {

class Connection;
class StreamState;

using IoExecutor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, IoExecutor>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// What a connection may be late with. Each kind has one duration, so that a list in order of
/// arming is a list in order of time.
enum class DeadlineKind : std::uint8_t { idle, head, body, answer, write, linger, ping };
inline constexpr std::size_t kDeadlineKinds = 7;

struct Deadline
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  explicit Deadline(Connection& connection) noexcept : owner(&connection) {}
  Connection* owner;
  SteadyTime at{};
  DeadlineKind kind = DeadlineKind::idle;
};

/// What other threads ask of a connection.
struct Letter {
  std::shared_ptr<Connection> connection;
  std::uint64_t sequence = 0;
  std::optional<Response> response;
  std::shared_ptr<StreamState> stream;  ///< to begin (with a sequence) or to look after (without)
};

/// Counters and options that all threads of a server share.
struct Shared {
  explicit Shared(ServerOptions given);

  ServerOptions options;
  SystemClock system_clock;
  SystemRandom system_random;
  std::mutex random_mutex;

  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> in_flight{0};
  std::atomic<std::size_t> streams{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> requests{0};
  std::array<std::atomic<std::uint64_t>, kRefusalCount> refusals{};
  std::atomic<bool> closing_answers{false};  ///< answers carry Connection: close
  std::atomic<bool> draining{false};

  std::mutex gone_mutex;
  std::condition_variable gone;  ///< a connection went while draining

  [[nodiscard]] const Clock& clock() const noexcept {
    return options.clock ? *options.clock : static_cast<const Clock&>(system_clock);
  }
  void count(std::string_view listener, Refusal refusal) noexcept;
};

/// One event loop on a thread of its own, and what its connections have in common: a scratch
/// buffer to read into, deadlines, the date, random bytes. Kept alive by its connections. All
/// members run on its thread, but mail(), adopt() and stop(), which any thread may call.
class IoThread final : public std::enable_shared_from_this<IoThread> {
 public:
  static constexpr std::size_t kScratchBytes = 65'536;

  explicit IoThread(std::shared_ptr<Shared> shared);
  ~IoThread();

  void start();
  /// Lets the loop end once nothing is left to do, and joins it.
  void stop();

  /// False once the loop has ended: nobody will read it.
  bool mail(Letter letter);
  [[nodiscard]] bool here() const noexcept { return std::this_thread::get_id() == id_; }

  void arm(Deadline& deadline, DeadlineKind kind);
  static void disarm(Deadline& deadline) noexcept { deadline.unlink(); }

  void enter(Connection& connection) noexcept;
  /// Calls `visit` for every open connection; it may close the one it is given.
  void each_connection(const std::function<void(Connection&)>& visit);

  [[nodiscard]] std::string_view date();
  [[nodiscard]] Random& random() noexcept { return random_; }
  [[nodiscard]] std::array<char, kScratchBytes>& scratch() noexcept { return *scratch_; }
  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] Shared& shared() noexcept { return *shared_; }
  [[nodiscard]] const std::shared_ptr<Shared>& shared_owner() const noexcept { return shared_; }

  /// Connections given to this thread and not yet gone; for choosing the least loaded.
  std::atomic<std::size_t> load{0};

 private:
  /// Random bytes fetched by the kilobyte, so that ids cost no system call each.
  class Pool final : public Random {
   public:
    explicit Pool(Shared& shared) : shared_(shared) {}
    void fill(std::span<std::uint8_t> bytes) override;

   private:
    Shared& shared_;
    std::array<std::uint8_t, 1'024> bytes_{};
    std::size_t used_ = bytes_.size();
  };

  using Timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;
  using DeadlineList =
      boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;

  void read_mail();
  void set_timer(SteadyTime at);
  void expire();
  [[nodiscard]] std::chrono::milliseconds duration(DeadlineKind kind) const noexcept;

  std::shared_ptr<Shared> shared_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<IoExecutor> work_;
  Timer timer_;
  SteadyTime timer_at_ = SteadyTime::max();
  std::array<DeadlineList, kDeadlineKinds> deadlines_;
  struct Registry;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<std::array<char, kScratchBytes>> scratch_;
  Pool random_;
  std::string date_;
  std::int64_t date_second_ = -1;

  std::mutex mail_mutex_;
  std::vector<Letter> mail_;
  bool mail_closed_ = false;

  std::thread thread_;
  std::atomic<std::thread::id> id_{};
};

}  // namespace dropline::http
