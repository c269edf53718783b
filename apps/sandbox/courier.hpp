#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "books.hpp"
#include "dropline/crypto/hmac.hpp"

namespace dropline::sandbox {

/// Where notices go.
struct Target {
  std::string host;
  std::uint16_t port = 0;
};

/// Sends notices that are due, several at once, each again and again until the shop has taken it or
/// refused it for good. They stay in the books until then, so a kill loses none; at most kMaxInHand
/// are in memory. The destructor waits for those under way, kCallLimit at most.
class Courier final {
 public:
  static constexpr std::size_t kMaxInHand = 64;
  static constexpr std::chrono::milliseconds kCallLimit{5'000};

  struct Parts {
    Books& books;
    const Clock& clock;
    const crypto::HmacKey& gateway_key;
    const crypto::HmacKey& bank_key;
    Target target;
    std::chrono::milliseconds retry{1'000};
    std::size_t threads = 4;
  };
  explicit Courier(Parts parts);
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  void wake();  ///< something may be due; any thread

 private:
  void fetch();
  void carry();
  [[nodiscard]] bool tell(const Notice& notice) const;

  Parts parts_;
  std::mutex lock_;
  std::condition_variable work_;
  std::condition_variable news_;
  std::deque<Notice> queue_;
  std::set<std::string> in_hand_;
  bool woken_ = false;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dropline::sandbox
