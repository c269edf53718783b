#include "dropline/http/errors.hpp"

namespace dropline::http {
namespace {

class Category final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http"; }

  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::timed_out:
        return "timed out";
      case Errc::unreachable:
        return "unreachable";
      case Errc::closed:
        return "closed";
      case Errc::token_malformed:
        return "token malformed";
      case Errc::token_algorithm:
        return "token algorithm not accepted";
      case Errc::token_unknown_key:
        return "token key unknown";
      case Errc::token_signature:
        return "token signature wrong";
      case Errc::token_expired:
        return "token expired";
      case Errc::token_not_yet:
        return "token not valid yet";
      case Errc::token_issuer:
        return "token issuer not accepted";
      case Errc::token_audience:
        return "token meant for another audience";
      case Errc::bad_response:
        return "bad response";
      case Errc::address_in_use:
        return "address in use";
      case Errc::bad_address:
        return "bad address";
      case Errc::not_permitted:
        return "not permitted";
      case Errc::bad_options:
        return "bad options";
      case Errc::failed:
        return "failed";
    }
    return "unknown";
  }

  [[nodiscard]] Severity severity(int code) const noexcept override {
    switch (static_cast<Errc>(code)) {
      case Errc::timed_out:
      case Errc::unreachable:
      case Errc::closed:
        return Severity::transient;
      case Errc::token_malformed:
      case Errc::token_algorithm:
      case Errc::token_unknown_key:
      case Errc::token_signature:
      case Errc::token_expired:
      case Errc::token_not_yet:
      case Errc::token_issuer:
      case Errc::token_audience:
      case Errc::bad_response:
        return Severity::permanent;
      case Errc::address_in_use:
      case Errc::bad_address:
      case Errc::not_permitted:
      case Errc::bad_options:
      case Errc::failed:
        break;
    }
    return Severity::fatal;
  }
};

}  // namespace

const ErrorCategory& category() noexcept {
  static const Category category;
  return category;
}

}  // namespace dropline::http
