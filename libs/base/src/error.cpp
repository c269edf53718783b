#include "dropline/base/error.hpp"

#include <ostream>

namespace dropline {

Severity severity_of(const std::error_code& code) noexcept {
  const auto* category = dynamic_cast<const ErrorCategory*>(&code.category());
  return category ? category->severity(code.value()) : Severity::fatal;
}

std::string Error::text() const {
  std::string text = detail;
  if (!text.empty()) text += ' ';
  return text + '[' + code.category().name() + ": " + code.message() + ']';
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << error.text();
}

ErrorException::ErrorException(Error error)
    : std::runtime_error(error.text()), error_(std::move(error)) {}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw ErrorException(error);
}

}  // namespace dropline
