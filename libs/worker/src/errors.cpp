#include "dropline/worker/errors.hpp"

namespace dropline::worker {
namespace {

class Category final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "worker"; }

  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::fenced:
        return "another owner has claimed the shard";
      case Errc::clock_skew:
        return "clocks differ";
      case Errc::publish_stuck:
        return "committed messages do not reach the log";
      case Errc::rejected:
        return "a record could not be applied";
      case Errc::records_lost:
        return "records were lost from the log";
      case Errc::bad_shard_row:
        return "a shard's row is damaged";
      case Errc::bad_frame:
        return "an outbox row is damaged";
    }
    return "unknown";
  }

  [[nodiscard]] Severity severity(int code) const noexcept override {
    switch (static_cast<Errc>(code)) {
      case Errc::fenced:
      case Errc::clock_skew:
      case Errc::publish_stuck:
        return Severity::transient;
      case Errc::rejected:
        return Severity::permanent;
      case Errc::records_lost:
      case Errc::bad_shard_row:
      case Errc::bad_frame:
        return Severity::fatal;
    }
    return Severity::fatal;
  }
};

}  // namespace

const ErrorCategory& category() noexcept {
  static const Category category;
  return category;
}

}  // namespace dropline::worker
