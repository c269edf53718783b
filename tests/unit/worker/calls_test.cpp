// Calls out on threads: bounded, with a circuit breaker. That rows survive whatever happens to a
// process is tried with payments, whose calls they are.
#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

#include "dropline/worker/call_threads.hpp"
#include "dropline/worker/errors.hpp"

using namespace dropline;
using namespace dropline::worker;
using namespace std::chrono_literals;

namespace {

/// The other side: answers, fails, or holds calls until it is let go.
class Other final : public CallTarget {
 public:
  Result<std::string> call(const Call& call) override {
    std::unique_lock guard(lock_);
    ++calls_;
    changed_.notify_all();
    changed_.wait(guard, [this] { return !held_; });
    if (fails_) return error(Errc::publish_stuck, "as asked");
    return "answer to " + call.request;
  }
  void hold(bool held) { set(held_, held); }
  void fail(bool fails) { set(fails_, fails); }
  [[nodiscard]] bool reaches(int calls) {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, 10s, [&] { return calls_ >= calls; });
  }

 private:
  void set(bool& flag, bool value) {
    const std::lock_guard guard(lock_);
    flag = value;
    changed_.notify_all();
  }
  std::mutex lock_;
  std::condition_variable changed_;
  int calls_ = 0;
  bool held_ = false;
  bool fails_ = false;
};

Call numbered(std::uint8_t number) {
  Call out;
  out.id.bytes[15] = number;
  out.request = std::to_string(number);
  return out;
}

/// Counts what is over.
class Over final {
 public:
  void add() {
    const std::lock_guard guard(lock_);
    ++count_;
    changed_.notify_all();
  }
  [[nodiscard]] bool reaches(int count) {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, 10s, [&] { return count_ >= count; });
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  int count_ = 0;
};

}  // namespace

TEST_CASE("calls are made at once up to the threads there are, and answered each once") {
  Other other;
  ManualClock clock;
  Over over;
  CallThreads threads(other, clock, {.threads = 2, .max_queue = 3});
  threads.on_change([&] { over.add(); });
  other.hold(true);
  CHECK(threads.room() == 5);
  for (std::uint8_t i = 1; i <= 5; ++i)
    threads.start(numbered(i));
  REQUIRE(other.reaches(2));
  CHECK(threads.room() == 0);
  CHECK_FALSE(threads.has_answers());
  other.hold(false);
  REQUIRE(over.reaches(5));
  const auto answers = threads.take();
  CHECK(answers.size() == 5);
  CHECK(answers[0].body == "answer to " + answers[0].request);
  CHECK_FALSE(threads.has_answers());
  CHECK(threads.take().empty());
}

TEST_CASE("errors in a row open the circuit, one call tries it, an answer closes it") {
  Other other;
  ManualClock clock;
  Over over;
  CallThreads threads(
      other, clock,
      {.threads = 1, .max_queue = 8, .errors_to_break = 3, .rest = 1s, .rest_max = 4s});
  threads.on_change([&] { over.add(); });
  other.fail(true);
  for (int i = 1; i <= 3; ++i) {
    CHECK(threads.health().empty());
    CHECK(threads.room() > 1);
    threads.start(numbered(1));
    REQUIRE(over.reaches(i));
  }
  CHECK(threads.take().empty());
  CHECK(threads.room() == 0);
  CHECK_FALSE(threads.health().empty());
  clock.advance(1s);
  CHECK(threads.room() == 1);
  threads.start(numbered(2));
  REQUIRE(over.reaches(4));
  CHECK(threads.room() == 0);
  clock.advance(1s);
  CHECK(threads.room() == 0);  // It rests twice as long.
  clock.advance(1s);
  CHECK(threads.room() == 1);
  other.fail(false);
  threads.start(numbered(3));
  REQUIRE(over.reaches(5));
  CHECK(threads.take().size() == 1);
  CHECK(threads.room() == 9);
  CHECK(threads.health().empty());
}
