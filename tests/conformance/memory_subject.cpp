#include "dropline/base/ensure.hpp"
#include "dropline/stream/memory.hpp"
#include "local.hpp"

namespace dropline::stream::conformance {
namespace {

class MemoryPlace final : public Place {
 public:
  Result<std::unique_ptr<Stream>> open(const Wishes& wishes) override {
    return std::unique_ptr<Stream>(stream(wishes));
  }

  Result<std::unique_ptr<Stream>> open_unreachable() override {
    auto opened = stream({});
    opened->cut_off(true);
    return std::unique_ptr<Stream>(std::move(opened));
  }

  std::vector<Acknowledged> write_until_killed(const std::string& topic,
                                               std::size_t at_least) override {
    Journal journal;
    auto killed = stream({});
    auto producer = killed->producer(journal.handler()).value();
    std::uint64_t number = 0;
    while (journal.count() < at_least) {
      const std::string value = std::to_string(number);
      if (producer->send({.topic = topic, .key = value, .value = value}, number)) ++number;
    }
    killed->kill();
    producer.reset();
    std::vector<Acknowledged> told;
    for (const Delivery& delivery : journal.all())
      told.push_back(
          {delivery.partition, delivery.offset.value_or(-1), std::to_string(delivery.token)});
    return told;
  }

  std::unique_ptr<Companion> companion(Stream& stream, const std::string& group,
                                       const std::string& topic, const std::string& name) override {
    return std::make_unique<LocalCompanion>(stream.join(group, topic, name).value(), clock_);
  }

  void compact(const std::string&) override { log_->compact(); }
  void age(milliseconds time) override {
    clock_.advance(time);
    log_->expire();
  }

 private:
  std::unique_ptr<MemoryStream> stream(const Wishes& wishes) {
    MemoryStreamOptions options;
    if (wishes.max_in_flight_records > 0)
      options.max_in_flight_records = wishes.max_in_flight_records;
    if (wishes.max_in_flight_bytes > 0) options.max_in_flight_bytes = wishes.max_in_flight_bytes;
    return std::make_unique<MemoryStream>(log_, options);
  }

  HastyClock clock_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>(MemoryLogOptions{.clock = &clock_});
};

}  // namespace

const Subject& subject() {
  static const Subject subject{
      .name = "memory",
      .features = {.shared = true, .has_broker = true, .wake_bound = milliseconds(50)},
      .missing = [] { return std::string(); },
      .make = []() -> std::unique_ptr<Place> { return std::make_unique<MemoryPlace>(); },
      // Nothing of it is in another process.
      .at = [](const std::string&) -> std::unique_ptr<Place> {
        ensure(false, "a log in memory has no children");
        return nullptr;
      }};
  return subject;
}

}  // namespace dropline::stream::conformance
