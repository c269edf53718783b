#include "dropline/config/errors.hpp"

namespace dropline::config {
namespace {

class Category final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "config"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::usage:
        return "wrong command line";
      case Errc::unknown_key:
        return "unknown option";
      case Errc::bad_value:
        return "value not allowed";
      case Errc::missing_value:
        return "required option missing";
      case Errc::unreadable_file:
        return "file not readable";
      case Errc::bad_syntax:
        return "not TOML";
    }
    return "unknown error";
  }
  [[nodiscard]] Severity severity(int) const noexcept override { return Severity::permanent; }
};

}  // namespace

const ErrorCategory& category() noexcept {
  static const Category kCategory;
  return kCategory;
}

}  // namespace dropline::config
