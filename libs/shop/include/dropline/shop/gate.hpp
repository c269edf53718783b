#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/shop/receipt.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/telemetry/metrics.hpp"

namespace dropline::shop {

/// What became of a command that was sent.
struct Acknowledgement {
  stream::Outcome outcome = stream::Outcome::unknown;
  /// Of acknowledged orders; the receipt is `batch` at `index`.
  std::shared_ptr<const ReceiptBatch> batch;
  std::size_t index = 0;
};

struct GateOptions {
  std::string topic_prefix;
  std::string name = "1";  ///< tells ingresses apart: ce_source is "ingress/<name>"
  std::string receipt_key_id = "1";
  std::size_t max_in_flight = 50'000;
};

/// Publishes commands for HTTP handlers and tells them when the log has taken them. Replaces a
/// producer that died. Any thread; nothing blocks. `done` is called exactly once for each command
/// taken, on a thread of the producer: it must not block.
class Gate final {
 public:
  using Done = std::function<void(const Acknowledgement&)>;

  struct Parts {
    stream::Stream& stream;
    const Clock& clock;
    Random& random;
    const contracts::CommandKeys& command_keys;
    const crypto::SecretKey& receipt_key;
    telemetry::Metrics& metrics;
  };

  [[nodiscard]] static Result<std::unique_ptr<Gate>> open(Parts parts, GateOptions options);
  ~Gate();

  /// Errc::queue_full (stream) and other transient errors: nothing was sent, say 503.
  Status place(const contracts::PlaceOrder& order, const crypto::Digest& hash,
               std::string_view traceparent, Done done);

  /// Any other command, without a receipt.
  template <contracts::Message T>
  Status send(const T& message, std::string_view correlation, std::string_view traceparent,
              Done done) {
    constexpr bool kIsSigned = requires {
      T::kSigned;
    };
    return publish({T::kTopic, message.partition_key(), T::kType, message.subject(),
                    std::string(correlation), contracts::encode(message), kIsSigned},
                   traceparent, std::nullopt, std::move(done));
  }

  /// Takes no more and waits up to `limit` for what is under way.
  void close(std::chrono::milliseconds limit);

  [[nodiscard]] std::size_t in_flight() const;
  /// Empty while commands can be sent.
  [[nodiscard]] std::string health() const;

 private:
  struct Command {
    std::string_view topic;
    std::string key;
    std::string_view type;
    std::string subject;
    std::string correlation;
    std::string body;
    bool is_signed = false;
  };
  struct Pending {
    Done done;
    std::optional<Arrival> arrival;
  };

  Gate(Parts parts, GateOptions options);
  Status publish(const Command& command, std::string_view traceparent,
                 std::optional<Arrival> arrival, Done done);
  Result<std::shared_ptr<stream::Producer>> producer();
  void on_delivery(std::span<const stream::Delivery> deliveries);
  [[nodiscard]] std::optional<Pending> take(std::uint64_t token);

  static constexpr std::size_t kShelves = 16;
  /// Commands under way, cut into parts so that threads rarely meet.
  struct Shelf {
    std::mutex lock;
    std::unordered_map<std::uint64_t, Pending> pending;
  };

  Parts parts_;
  GateOptions options_;
  std::string source_;
  std::atomic<std::uint64_t> next_token_{1};
  std::atomic<std::size_t> in_flight_{0};
  mutable std::mutex producer_lock_;
  std::shared_ptr<stream::Producer> producer_;
  std::vector<std::shared_ptr<stream::Producer>> retired_;
  std::string trouble_;
  bool closed_ = false;
  Shelf shelves_[kShelves];
  telemetry::Counter sent_;
  telemetry::Counter failed_;
  telemetry::Counter unknown_;
};

}  // namespace dropline::shop
