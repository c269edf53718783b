#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "dropline/base/error.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::stream {

/// What became of a record that was taken.
enum class Outcome {
  acknowledged,  ///< it is in the log, durably
  failed,        ///< it is not in the log and never will be
  unknown,       ///< it may or may not be there: the answer was lost
};

struct Delivery {
  std::uint64_t token = 0;  ///< as given to send()
  Outcome outcome = Outcome::unknown;
  std::int32_t partition = -1;
  /// Where it lies. May be absent for an acknowledged record whose first answer was lost.
  std::optional<std::int64_t> offset;
  std::error_code error;  ///< set unless acknowledged
};

/// Hears of deliveries, in batches as they are acknowledged; of one partition in log order.
/// Called on a thread of the producer: it must not block and must not call back into the producer,
/// except for send().
using DeliveryHandler = std::function<void(std::span<const Delivery>)>;

/// Writes records to topics. Order within a partition is the order of send() calls of one thread.
/// No record is written twice by a retry, none is skipped while a later one is written, unless a
/// delivery says `failed` or `unknown`.
///
/// Threads: send() from any; close() and the destructor from one.
/// Blocking: send() never blocks. The number and bytes of records in flight are bounded; beyond the
/// bound send() answers Errc::queue_full and has taken nothing.
/// Every record taken gets exactly one Delivery before the destructor returns.
class Producer {
 public:
  virtual ~Producer() = default;

  /// Takes a copy of the draft. `token` comes back in its Delivery.
  virtual Status send(const Draft& draft, std::uint64_t token) = 0;

  /// Waits until all taken so far is delivered; false when `limit` passed first.
  virtual bool flush(std::chrono::milliseconds limit) = 0;

  /// Takes no more, waits up to `limit` for what is in flight, then reports the rest: `failed`
  /// where it certainly was not written, `unknown` otherwise. Returns within `limit` plus one
  /// second, broker or no broker. Closing twice is allowed.
  virtual void close(std::chrono::milliseconds limit) = 0;

  /// Set when the producer can no longer write and must be replaced (an idempotent producer may die
  /// of a fatal error). send() then answers the same.
  [[nodiscard]] virtual std::optional<Error> fatal_error() const = 0;
};

}  // namespace dropline::stream
