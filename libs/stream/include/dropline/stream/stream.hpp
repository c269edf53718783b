#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dropline/base/error.hpp"
#include "dropline/stream/admin.hpp"
#include "dropline/stream/consumer.hpp"
#include "dropline/stream/membership.hpp"
#include "dropline/stream/producer.hpp"

namespace dropline::stream {

/// One log, however it is kept. An adapter implements this and the four ports it hands out; what it
/// hands out must not outlive it. All members may be called from any thread.
class Stream {
 public:
  virtual ~Stream() = default;

  [[nodiscard]] virtual Result<std::unique_ptr<Producer>> producer(DeliveryHandler on_delivery) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Consumer>> consumer() = 0;
  /// A consumer for which records may be kept back for `patience` until more have come together,
  /// which spares both sides work. An adapter that gains nothing by it gives them at once.
  [[nodiscard]] virtual Result<std::unique_ptr<Consumer>> patient_consumer(
      std::chrono::milliseconds /*patience*/) {
    return consumer();
  }
  /// `member` names this process in logs and group listings.
  [[nodiscard]] virtual Result<std::unique_ptr<Membership>> join(const std::string& group,
                                                                 const std::string& anchor_topic,
                                                                 const std::string& member) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Admin>> admin(std::chrono::milliseconds limit) = 0;
};

}  // namespace dropline::stream
