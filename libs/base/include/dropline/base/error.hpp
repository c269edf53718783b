#pragma once

#include <boost/system/result.hpp>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace dropline {

/// What a caller can do about an error. Each room's category classifies its own codes, so that the
/// one place that decides (retry, dead letter, stop) needs no knowledge of the room.
enum class Severity {
  transient,  ///< may succeed when tried again: connection lost, deadlock, queue full
  permanent,  ///< will fail every time: bad input, unknown type
  fatal,      ///< the component cannot go on: fenced, corrupt, misconfigured
};

/// A category that also classifies. Rooms derive one each and keep a single static object.
class ErrorCategory : public std::error_category {
 public:
  [[nodiscard]] virtual Severity severity(int code) const noexcept = 0;
};

/// Codes of foreign categories count as fatal: nobody has thought about them.
[[nodiscard]] Severity severity_of(const std::error_code& code) noexcept;

/// An error as a value: a stable code for machines, a sentence for people that names the cause
/// and, where there is one, the cure.
struct Error {
  std::error_code code;
  std::string detail;

  [[nodiscard]] Severity severity() const noexcept { return severity_of(code); }
  [[nodiscard]] bool transient() const noexcept { return severity() == Severity::transient; }
  /// "<detail> [<category>: <code text>]"
  [[nodiscard]] std::string text() const;
};

/// Writes text(); also what lets a test show a Result that holds an error.
std::ostream& operator<<(std::ostream& out, const Error& error);

/// Carries an Error through code that cannot return one (constructors, third-party callbacks).
class ErrorException final : public std::runtime_error {
 public:
  explicit ErrorException(Error error);
  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// Found by argument-dependent look-up when `.value()` meets an error.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Error>;

/// Success of an operation that has nothing to return.
using Status = Result<void>;

}  // namespace dropline
