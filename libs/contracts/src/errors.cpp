#include "dropline/contracts/errors.hpp"

namespace dropline::contracts {
namespace {

class Category final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "contracts"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::bad_json:
        return "bad_json";
      case Errc::too_large:
        return "too_large";
      case Errc::too_deep:
        return "too_deep";
      case Errc::duplicate_field:
        return "duplicate_field";
      case Errc::missing_field:
        return "missing_field";
      case Errc::wrong_type:
        return "wrong_type";
      case Errc::out_of_range:
        return "out_of_range";
      case Errc::bad_value:
        return "bad_value";
      case Errc::contradiction:
        return "contradiction";
      case Errc::unknown_type:
        return "unknown_type";
      case Errc::bad_envelope:
        return "bad_envelope";
      case Errc::wrong_key:
        return "wrong_key";
      case Errc::forbidden:
        return "forbidden";
      case Errc::wrong_order_id:
        return "wrong_order_id";
      case Errc::wrong_body_hash:
        return "wrong_body_hash";
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

}  // namespace dropline::contracts
