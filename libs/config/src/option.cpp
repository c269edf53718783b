#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "dropline/base/ensure.hpp"
#include "dropline/config/errors.hpp"
#include "dropline/config/schema.hpp"
#include "names.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

Error bad(std::string detail) {
  return error(Errc::bad_value, std::move(detail));
}

std::string with_dashes(std::string_view name) {
  std::string flag = "--";
  for (const char c : name)
    flag += c == '.' || c == '_' ? '-' : c;
  return flag;
}

std::string number_text(double number) {
  std::array<char, 40> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

Result<std::string> canonical_list(std::string_view text, std::vector<std::string>& items) {
  if (trim(text).empty()) return std::string();
  for (const std::string& part : split(text, ',')) {
    items.emplace_back(trim(part));
    if (items.back().empty()) return bad("an item of the list is empty");
  }
  return join(items, ",");
}

}  // namespace

Option::Option(std::string_view name, Type type, std::optional<std::string> fallback,
               std::string_view help)
    : name_(name), type_(type), fallback_(std::move(fallback)), help_(help) {
  ensure(good_name(name_), "an option's name is lower case words joined by dots");
  ensure(!help_.empty(), "an option has a help text");
  if (type_ == Type::address) {
    least_ = 1;
    most_ = 65535;
  }
}

Option& Option::range(std::int64_t least, std::int64_t most) {
  ensure(least <= most && type_ != Type::duration, "an option's range is not empty");
  least_ = least;
  most_ = most;
  validate_fallback();
  return *this;
}

Option& Option::range(std::chrono::nanoseconds least, std::chrono::nanoseconds most) {
  ensure(least <= most && type_ == Type::duration, "only a duration has a range of durations");
  least_ = least.count();
  most_ = most.count();
  validate_fallback();
  return *this;
}

Option& Option::unit(std::string_view unit) {
  unit_ = unit;
  return *this;
}

Option& Option::required() {
  ensure(!fallback_, "a required option has no default");
  required_ = true;
  return *this;
}

Option& Option::reloadable() {
  reloadable_ = true;
  return *this;
}

Option& Option::check(std::function<std::string(std::string_view)> check) {
  check_ = std::move(check);
  validate_fallback();
  return *this;
}

Option& Option::example(std::string_view example) {
  example_ = example;
  ensure(type_ == Type::map || canonical(example_).has_value(), "an option's example is allowed");
  return *this;
}

Option& Option::flag_only() {
  flag_only_ = true;
  return *this;
}

void Option::validate_fallback() const {
  if (!fallback_) return;
  const auto value = canonical(*fallback_);
  if (value) return;
  const std::string message =
      "the default of " + name_ + " is not allowed: " + value.error().detail;
  ensure(false, message.c_str());
}

std::string Option::section() const {
  if (type_ == Type::map) return name_;
  const auto dot = name_.rfind('.');
  return dot == std::string::npos ? std::string() : name_.substr(0, dot);
}

std::string Option::key() const {
  return type_ == Type::map ? std::string() : name_.substr(name_.rfind('.') + 1);
}

std::string Option::flag() const {
  return map_flag_.empty() ? with_dashes(name_) : map_flag_;
}

std::string Option::variable() const {
  std::string variable(kVariablePrefix);
  for (const char c : name_) {
    variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return variable;
}

std::string Option::range_text() const {
  if (!least_ || type_ == Type::address) return {};
  const auto shown = [&](std::int64_t value) {
    if (type_ == Type::duration) return format_duration(std::chrono::nanoseconds(value));
    if (type_ == Type::bytes) return format_bytes(value);
    return std::to_string(value);
  };
  constexpr auto kNoLimit = std::numeric_limits<std::int64_t>::max();
  if (*most_ == kNoLimit) return ", at least " + shown(*least_);
  return " from " + shown(*least_) + " to " + shown(*most_);
}

std::string Option::allowed() const {
  switch (type_) {
    case Type::text:
      return "a text";
    case Type::integer:
      return "a whole number" + range_text();
    case Type::number:
      return "a number" + range_text();
    case Type::boolean:
      return "true or false";
    case Type::duration:
      return "a duration" + (least_ ? range_text() : std::string(" such as 250ms, 15m or 3d"));
    case Type::bytes:
      return "a size" + (least_ ? range_text() : std::string(" such as 64KiB"));
    case Type::choice:
      return "one of " + join(choices_, ", ");
    case Type::list:
      return "a list" + (least_ ? " of" + range_text() + " items" : std::string());
    case Type::address:
      return "an address such as 127.0.0.1:8080";
    case Type::url:
      return "a URL";
    case Type::path:
      return "a path";
    case Type::secret:
      return "a secret";
    case Type::map:
      return "pairs key=value";
  }
  return {};
}

Status Option::within_range(std::int64_t value) const {
  if (!least_ || (value >= *least_ && value <= *most_)) return {};
  if (type_ == Type::address) {
    return bad(value == 0 ? "its port may not be 0"
                          : "its port is not from " + std::to_string(*least_) + " to " +
                                std::to_string(*most_));
  }
  return bad("it is out of range; allowed is " + allowed());
}

Result<std::string> Option::canonical_number(std::string_view text) const {
  const auto number = parse_number(text);
  if (!number) return number.error();
  if (least_ && (*number < static_cast<double>(*least_) || *number > static_cast<double>(*most_))) {
    return bad("it is out of range; allowed is " + allowed());
  }
  return number_text(*number);
}

Result<std::string> Option::canonical_of_type(std::string_view text) const {
  std::string out(trim(text));
  Status status;
  const auto ranged = [&](const auto& value, auto show) {
    if (!value) {
      status = value.error();
    } else {
      status = within_range(static_cast<std::int64_t>(*value));
      out = show(*value);
    }
  };
  switch (type_) {
    case Type::integer:
      ranged(parse_integer(text), [](std::int64_t value) { return std::to_string(value); });
      break;
    case Type::bytes:
      ranged(parse_bytes(text), format_bytes);
      break;
    case Type::duration: {
      const auto span = parse_duration(text);
      status = span ? within_range(span->count()) : Status(span.error());
      if (span) out = format_duration(*span);
      break;
    }
    case Type::number:
      return canonical_number(text);
    case Type::boolean: {
      const auto truth = parse_boolean(text);
      if (!truth) return truth.error();
      out = *truth ? "true" : "false";
      break;
    }
    case Type::choice:
      if (std::find(choices_.begin(), choices_.end(), out) == choices_.end()) {
        return bad("it is not " + allowed());
      }
      break;
    case Type::list: {
      std::vector<std::string> items;
      auto list = canonical_list(text, items);
      if (!list) return list;
      status = within_range(static_cast<std::int64_t>(items.size()));
      out = *list;
      break;
    }
    case Type::address: {
      const auto address = parse_address(text);
      status = address ? within_range(address->port) : Status(address.error());
      if (address) out = address->text();
      break;
    }
    case Type::url:
      status = check_url(out);
      break;
    case Type::path:
      if (out.empty()) return bad("it is empty");
      break;
    case Type::text:
    case Type::secret:
    case Type::map:
      out = text;
      break;
  }
  if (!status) return status.error();
  return out;
}

Result<std::string> Option::canonical(std::string_view text) const {
  auto value = canonical_of_type(text);
  if (!value) return value;
  if (value->find('\0') != std::string::npos) return bad("it contains a zero byte");
  if (check_) {
    if (std::string problem = check_(*value); !problem.empty()) return bad(std::move(problem));
  }
  return value;
}

}  // namespace dropline::config
