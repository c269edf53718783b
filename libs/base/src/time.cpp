#include "dropline/base/time.hpp"

namespace dropline {
namespace {

/// Reads a fixed number of digits, or fails.
class DigitReader final {
 public:
  explicit DigitReader(std::string_view text) : rest_(text) {}

  bool number(int digits, int& out) noexcept {
    out = 0;
    for (int i = 0; i < digits; ++i) {
      if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') return false;
      out = out * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return true;
  }
  bool skip(char expected) noexcept {
    if (rest_.empty() || rest_[0] != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Up to nine digits after the point; what is finer than a microsecond is dropped.
  bool fraction(int& microseconds) noexcept {
    int digits = 0;
    microseconds = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; ++digits) {
      if (digits == 9) return false;
      if (digits < 6) microseconds = microseconds * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    for (int i = digits; i < 6; ++i)
      microseconds *= 10;
    return digits > 0;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

bool read_offset(DigitReader& in, std::chrono::minutes& offset) noexcept {
  offset = std::chrono::minutes(0);
  if (in.skip('Z') || in.skip('z')) return in.rest().empty();
  const bool east = in.skip('+');
  if (!east && !in.skip('-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!in.number(2, hours) || !in.skip(':') || !in.number(2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  offset = std::chrono::minutes((east ? 1 : -1) * (hours * 60 + minutes));
  return in.rest().empty();
}

}  // namespace

std::size_t write_rfc3339(Timestamp at, char* out) noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  const auto us = static_cast<unsigned>(clock.subseconds().count());
  char* end = out;
  const auto put = [&end](unsigned value, int digits, char after) {
    for (int i = digits; i-- > 0; value /= 10)
      end[i] = static_cast<char>('0' + value % 10);
    end[digits] = after;
    end += digits + 1;
  };
  put(static_cast<unsigned>(static_cast<int>(date.year())), 4, '-');
  put(static_cast<unsigned>(date.month()), 2, '-');
  put(static_cast<unsigned>(date.day()), 2, 'T');
  put(static_cast<unsigned>(clock.hours().count()), 2, ':');
  put(static_cast<unsigned>(clock.minutes().count()), 2, ':');
  put(static_cast<unsigned>(clock.seconds().count()), 2, us == 0 ? 'Z' : '.');
  if (us % 1000 != 0) {
    put(us, 6, 'Z');
  } else if (us != 0) {
    put(us / 1000, 3, 'Z');
  }
  return static_cast<std::size_t>(end - out);
}

std::string rfc3339(Timestamp at) {
  char text[kRfc3339Length];
  return {text, write_rfc3339(at, text)};
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) noexcept {
  constexpr int kFirstYear = 1970;
  constexpr int kLastYear = 2200;
  DigitReader in(text);
  int year, month, day, hour, minute, second;
  int us = 0;
  if (!in.number(4, year) || !in.skip('-') || !in.number(2, month) || !in.skip('-') ||
      !in.number(2, day))
    return std::nullopt;
  if (!in.skip('T') && !in.skip('t')) return std::nullopt;
  if (!in.number(2, hour) || !in.skip(':') || !in.number(2, minute) || !in.skip(':') ||
      !in.number(2, second))
    return std::nullopt;
  if (in.skip('.') && !in.fraction(us)) return std::nullopt;
  std::chrono::minutes offset;
  if (!read_offset(in, offset)) return std::nullopt;

  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || year < kFirstYear || year > kLastYear || hour > 23 || minute > 59 ||
      second > 59)
    return std::nullopt;
  const auto at = Timestamp(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) +
                  std::chrono::microseconds(us) - offset;
  // An offset may carry it over the edge, and what is written again must be readable again.
  constexpr Timestamp kFirst{std::chrono::sys_days(std::chrono::year(kFirstYear) / 1 / 1)};
  constexpr Timestamp kEnd{std::chrono::sys_days(std::chrono::year(kLastYear + 1) / 1 / 1)};
  if (at < kFirst || at >= kEnd) return std::nullopt;
  return at;
}

}  // namespace dropline
