#include "dropline/stream/errors.hpp"

namespace dropline::stream {
namespace {

class StreamCategory final : public ErrorCategory {
 public:
  const char* name() const noexcept override { return "stream"; }

  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::queue_full:
        return "queue full";
      case Errc::unreachable:
        return "broker unreachable";
      case Errc::timed_out:
        return "timed out";
      case Errc::disk_full:
        return "disk full";
      case Errc::too_large:
        return "record too large";
      case Errc::unknown_topic:
        return "unknown topic";
      case Errc::bad_partition:
        return "no such partition";
      case Errc::bad_record:
        return "bad record";
      case Errc::wrong_partition_count:
        return "wrong partition count";
      case Errc::position_lost:
        return "position lost";
      case Errc::locked:
        return "locked by another process";
      case Errc::corrupt:
        return "log corrupt";
      case Errc::bad_config:
        return "bad configuration";
      case Errc::closed:
        return "closed";
      case Errc::failed:
        return "failed";
    }
    return "unknown code " + std::to_string(code);
  }

  Severity severity(int code) const noexcept override {
    switch (static_cast<Errc>(code)) {
      case Errc::queue_full:
      case Errc::unreachable:
      case Errc::timed_out:
      case Errc::disk_full:
        return Severity::transient;
      case Errc::too_large:
      case Errc::unknown_topic:
      case Errc::bad_partition:
      case Errc::bad_record:
        return Severity::permanent;
      case Errc::wrong_partition_count:
      case Errc::position_lost:
      case Errc::locked:
      case Errc::corrupt:
      case Errc::bad_config:
      case Errc::closed:
      case Errc::failed:
        return Severity::fatal;
    }
    return Severity::fatal;
  }
};

}  // namespace

const ErrorCategory& category() noexcept {
  static const StreamCategory category;
  return category;
}

}  // namespace dropline::stream
