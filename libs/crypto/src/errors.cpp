#include "dropline/crypto/errors.hpp"

namespace dropline::crypto {
namespace {

class Category final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "crypto"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::bad_format:
        return "bad format";
      case Errc::unknown_key:
        return "unknown key";
      case Errc::not_authentic:
        return "not authentic";
      case Errc::too_large:
        return "too large";
    }
    return "unknown";
  }
  [[nodiscard]] Severity severity(int) const noexcept override { return Severity::permanent; }
};

}  // namespace

const ErrorCategory& category() noexcept {
  static const Category kCategory;
  return kCategory;
}

}  // namespace dropline::crypto
