#include "dropline/base/error.hpp"

#include <doctest/doctest.h>

using namespace dropline;

namespace {

class Category final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "test"; }
  [[nodiscard]] std::string message(int code) const override {
    return "code " + std::to_string(code);
  }
  [[nodiscard]] Severity severity(int code) const noexcept override {
    return static_cast<Severity>(code);
  }
};
const Category kCategory;

Error of(Severity severity, std::string detail) {
  return {{static_cast<int>(severity), kCategory}, std::move(detail)};
}

}  // namespace

TEST_CASE("a room's category classifies its codes") {
  CHECK(of(Severity::transient, "").transient());
  CHECK(of(Severity::permanent, "").severity() == Severity::permanent);
  CHECK_FALSE(of(Severity::permanent, "").transient());
  CHECK(of(Severity::fatal, "").severity() == Severity::fatal);
}

TEST_CASE("codes of foreign categories count as fatal") {
  CHECK(severity_of(std::make_error_code(std::errc::timed_out)) == Severity::fatal);
  CHECK(severity_of({}) == Severity::fatal);
}

TEST_CASE("an error's text names detail, category and code") {
  CHECK(of(Severity::fatal, "the disk is gone").text() == "the disk is gone [test: code 2]");
  CHECK(of(Severity::transient, "").text() == "[test: code 0]");
}

TEST_CASE("asking an error for its value throws it, with all it says") {
  const Result<int> result = of(Severity::permanent, "no such number");
  REQUIRE_FALSE(result);
  try {
    static_cast<void>(result.value());
    FAIL("value() of an error returned");
  } catch (const ErrorException& thrown) {
    CHECK(thrown.error().detail == "no such number");
    CHECK(thrown.error().severity() == Severity::permanent);
    CHECK(std::string(thrown.what()) == "no such number [test: code 1]");
  }
}

TEST_CASE("a status without an error is a success") {
  const Status fine;
  CHECK(fine);
  const Status bad = of(Severity::transient, "later");
  CHECK_FALSE(bad);
  CHECK(bad.error().transient());
}
