#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>

#include "dropline/base/clock.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"

namespace dropline::store {

/// A database of one test's own, of the dialect this program is built for: a file, or a schema of
/// the server. Gone with it.
class Place {
 public:
  virtual ~Place() = default;
  [[nodiscard]] virtual const Database& database() const = 0;
  /// The name of a service nobody else has.
  [[nodiscard]] virtual const std::string& service() const = 0;
  [[nodiscard]] const Clock& clock() const { return clock_; }

  [[nodiscard]] Session open(const SessionOptions& options = {}) const;
  /// Makes tables, in the words of migrations.
  void make(std::string_view sql) const;
  [[nodiscard]] std::int64_t count(Session& session, std::string_view table) const;

 protected:
  ManualClock clock_;
};

[[nodiscard]] std::unique_ptr<Place> make_place();

/// What went wrong, or a failure of the test that says nothing did.
template <class T>
Errc errc_of(const Result<T>& result) {
  REQUIRE(result.has_error());
  REQUIRE(&result.error().code.category() == &category());
  return static_cast<Errc>(result.error().code.value());
}

}  // namespace dropline::store

namespace doctest {
template <>
struct StringMaker<dropline::store::Errc> {
  static String convert(dropline::store::Errc code) {
    return make_error_code(code).message().c_str();
  }
};
}  // namespace doctest

/// Success, or the error's text.
#define REQUIRE_DONE(expression)                                                         \
  do {                                                                                   \
    const auto& done_ = (expression);                                                    \
    REQUIRE_MESSAGE(done_.has_value(), (done_.has_error() ? done_.error().text() : "")); \
  } while (false)
