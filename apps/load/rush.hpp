#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"

namespace dropline::load {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A server under load.
struct Server {
  std::string host;
  std::uint16_t port = 0;
};

/// What came of one request.
struct Answer {
  std::uint64_t arrival = 0;  ///< the number that Source gave it
  int status = 0;             ///< 0: no answer, the connection was lost or the time was up
  std::string_view body;
  SteadyTime intended;  ///< when it should have been sent
  SteadyTime sent;
  SteadyTime answered;
};

struct RushOptions {
  std::vector<Server> servers;  ///< connections are dealt to them in turn
  std::size_t connections = 1'000;
  /// Open loop: arrivals a second, at times that do not depend on the answers. 0: closed loop, a
  /// connection sends again as soon as it was answered.
  double rate = 0;
  std::chrono::milliseconds length{60'000};
  std::chrono::milliseconds patience{15'000};  ///< for an answer, and for those left at the end
  std::uint64_t seed = 1;                      ///< of the arrivals
};

/// Sends requests over many kept-alive connections from one thread, and measures from the time at
/// which each was due, so that a server that stalls is seen to make everyone wait.
///
/// `write` appends the request number `arrival` to a buffer; `answered` is told each outcome. Both
/// are called on the caller's thread.
class Rush final {
 public:
  using Write = std::function<void(std::uint64_t arrival, std::string& out)>;
  using Told = std::function<void(const Answer& answer)>;

  struct Totals {
    std::uint64_t sent = 0;
    std::uint64_t unsent = 0;  ///< due, but every connection was busy until the end
    std::uint64_t lost = 0;
  };

  /// Blocks until the time is over and every request was answered or given up. Fails where a server
  /// takes no connection at all.
  [[nodiscard]] static Result<Totals> run(const RushOptions& options, const Write& write,
                                          const Told& answered);
};

}  // namespace dropline::load
