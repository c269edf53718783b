#include "common/topics.hpp"

#include "dropline/contracts/topics.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::apps {
namespace {
const log::Logger kLog("topics");
constexpr std::chrono::milliseconds kAdminLimit{5'000};
constexpr std::chrono::milliseconds kRetry{500};
constexpr std::chrono::milliseconds kNap{50};
}  // namespace

std::vector<stream::TopicSpec> topic_specs(const config::Settings& settings) {
  return contracts::topic_specs(static_cast<std::int32_t>(settings.integer("topics.partitions")),
                                settings.text("topics.prefix"));
}

TopicSetup::TopicSetup(stream::Stream& stream, const config::Settings& settings, Process& process)
    : process_(process),
      component_(process.health.component("topics")),
      thread_([this, &stream, topics = topic_specs(settings)] { run(stream, topics); }) {}

TopicSetup::~TopicSetup() {
  stopping_ = true;
  thread_.join();
}

bool TopicSetup::wait(const std::atomic<bool>& stop) const {
  while (!done_ && !stop)
    std::this_thread::sleep_for(kNap);
  return done_;
}

void TopicSetup::run(stream::Stream& stream, std::vector<stream::TopicSpec> topics) {
  bool told = false;
  while (!stopping_) {
    auto admin = stream.admin(kAdminLimit);
    auto made = admin ? (*admin)->ensure_topics(topics) : Status(admin.error());
    if (made) {
      component_.ok();
      done_ = true;
      return;
    }
    component_.failed(made.error().text());
    if (!made.error().transient()) {
      process_.give_up(made.error());
      return;
    }
    if (!std::exchange(told, true))
      kLog.warn("waiting for a broker", {{"error", made.error().text()}});
    const auto until = std::chrono::steady_clock::now() + kRetry;
    while (!stopping_ && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(kNap);
  }
}

}  // namespace dropline::apps
