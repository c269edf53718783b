#include "dropline/contracts/codec.hpp"

#include <charconv>

#include "dropline/crypto/hex.hpp"

namespace dropline::contracts::codec {
namespace {

std::string range(Bounds bounds) {
  return std::to_string(bounds.min) + " to " + std::to_string(bounds.max);
}

/// Quotes what was found, cut to a length that is fit to print; cuts no code point in two.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMaxQuoted = 60;
  std::string out = "'";
  if (text.size() <= kMaxQuoted) return out.append(text) + '\'';
  std::size_t length = kMaxQuoted;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    --length;
  return out.append(text, 0, length) + "…'";
}

bool whole_number(Failure& failure, JsonValue value, std::int64_t& out) {
  if (!expect(failure, value, JsonKind::number)) return false;
  const auto text = value.text();
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code == std::errc::result_out_of_range && end == text.data() + text.size())
    return failure.fail(Errc::out_of_range, quoted(text) + " is beyond 64 bits");
  if (code != std::errc() || end != text.data() + text.size())
    return failure.fail(Errc::wrong_type, "must be a whole number, not " + quoted(text));
  return true;
}

}  // namespace

Error Failure::error() const {
  Error error = given_ ? *given_ : contracts::error(code_, what_);
  error.detail = pointer_ + (pointer_.empty() ? "the message " : " ") + error.detail;
  return error;
}

bool missing(Failure& failure) {
  return failure.fail(Errc::missing_field, "is missing");
}

bool expect(Failure& failure, JsonValue value, JsonKind kind) {
  if (value.is(kind)) return true;
  return failure.fail(Errc::wrong_type, "must be " + std::string(name_of(kind)) + ", not " +
                                            std::string(name_of(value.kind())));
}

bool check_number(Failure& failure, std::int64_t value, Bounds bounds) {
  if (value >= bounds.min && value <= bounds.max) return true;
  return failure.fail(Errc::out_of_range,
                      std::to_string(value) + " is not in the range " + range(bounds));
}

bool check_count(Failure& failure, std::size_t count, Bounds bounds) {
  if (std::cmp_greater_equal(count, bounds.min) && std::cmp_less_equal(count, bounds.max))
    return true;
  return failure.fail(Errc::out_of_range,
                      "has " + std::to_string(count) + " elements; the range is " + range(bounds));
}

bool check_money(Failure& failure, const Money& value, Bounds bounds) {
  return check_number(failure, value.minor, bounds) || failure.within("amount");
}

bool check_text(Failure& failure, std::string_view value, Bounds bounds) {
  if (!valid_text(value))
    return failure.fail(Errc::bad_value, "is not valid UTF-8 or holds U+0000");
  const auto length = code_points(value);
  if (std::cmp_greater_equal(length, bounds.min) && std::cmp_less_equal(length, bounds.max))
    return true;
  return failure.fail(Errc::out_of_range, "has " + std::to_string(length) +
                                              " characters; the range is " + range(bounds));
}

bool read(Failure& failure, JsonValue value, bool& out) {
  if (!expect(failure, value, JsonKind::boolean)) return false;
  out = value.text() == "true";
  return true;
}

bool read(Failure& failure, JsonValue value, std::int64_t& out, Bounds bounds) {
  return whole_number(failure, value, out) && check_number(failure, out, bounds);
}

bool read(Failure& failure, JsonValue value, std::int32_t& out, Bounds bounds) {
  std::int64_t wide = 0;
  ensure(bounds.min >= INT32_MIN && bounds.max <= INT32_MAX, "the bounds fit the number");
  if (!read(failure, value, wide, bounds)) return false;
  out = static_cast<std::int32_t>(wide);
  return true;
}

bool read(Failure& failure, JsonValue value, std::string& out, Bounds bounds) {
  if (!expect(failure, value, JsonKind::string)) return false;
  const auto text = value.text();
  // What the reader gave is valid already.
  const auto length = code_points(text);
  if (std::cmp_less(length, bounds.min) || std::cmp_greater(length, bounds.max))
    return check_text(failure, text, bounds);
  out.assign(text);
  return true;
}

bool read(Failure& failure, JsonValue value, Uuid& out) {
  if (!expect(failure, value, JsonKind::string)) return false;
  const auto uuid = Uuid::parse(value.text());
  if (!uuid) return failure.fail(Errc::bad_value, quoted(value.text()) + " is not a UUID");
  out = *uuid;
  return true;
}

bool read(Failure& failure, JsonValue value, Sku& out) {
  if (!expect(failure, value, JsonKind::string)) return false;
  auto sku = Sku::parse(value.text());
  if (!sku)
    return failure.fail(Errc::bad_value,
                        quoted(value.text()) + " is not a SKU: 1 to 64 of A-Z a-z 0-9 . _ -");
  out = std::move(*sku);
  return true;
}

bool read(Failure& failure, JsonValue value, Money& out, Bounds bounds) {
  if (!expect(failure, value, JsonKind::object)) return false;
  JsonObject object(value);
  const auto amount = object.find("amount");
  if (!amount ? !missing(failure) : !read(failure, *amount, out.minor, bounds))
    return failure.within("amount");
  const auto currency = object.find("currency");
  if (!currency ? !missing(failure) : !expect(failure, *currency, JsonKind::string))
    return failure.within("currency");
  const auto parsed = Currency::parse(currency->text());
  if (!parsed) {
    failure.fail(Errc::bad_value, quoted(currency->text()) + " is not an ISO 4217 code");
    return failure.within("currency");
  }
  out.currency = *parsed;
  return true;
}

bool read(Failure& failure, JsonValue value, Timestamp& out) {
  if (!expect(failure, value, JsonKind::string)) return false;
  const auto at = parse_rfc3339(value.text());
  if (!at)
    return failure.fail(Errc::bad_value,
                        quoted(value.text()) + " is not a time as RFC 3339 has it, 1970 to 2200");
  out = *at;
  return true;
}

bool read(Failure& failure, JsonValue value, crypto::Digest& out) {
  if (!expect(failure, value, JsonKind::string)) return false;
  const auto digest = crypto::parse_digest(value.text());
  if (!digest)
    return failure.fail(Errc::bad_value,
                        quoted(value.text()) + " is not 64 lower-case hexadecimal digits");
  out = *digest;
  return true;
}

bool read_name(Failure& failure, JsonValue value, const std::string_view* names, std::size_t count,
               std::size_t& out) {
  if (!expect(failure, value, JsonKind::string)) return false;
  const auto text = value.text();
  for (out = 0; out < count; ++out)
    if (names[out] == text) return true;
  std::string allowed;
  for (std::size_t i = 0; i < count; ++i)
    allowed.append(i == 0 ? "" : ", ").append(names[i]);
  return failure.fail(Errc::bad_value, quoted(text) + " is none of: " + allowed);
}

void write(JsonWriter& out, const Uuid& value) {
  char text[Uuid::kTextLength];
  value.write_text(text);
  out.plain({text, sizeof text});
}

void write(JsonWriter& out, const Money& value) {
  out.open_object();
  out.name("amount");
  out.number(value.minor);
  out.name("currency");
  out.plain(value.currency.text());
  out.close_object();
}

void write(JsonWriter& out, Timestamp value) {
  char text[kRfc3339Length];
  out.plain({text, write_rfc3339(value, text)});
}

void write(JsonWriter& out, const crypto::Digest& value) {
  char text[64];
  crypto::write_digest(value, text);
  out.plain({text, sizeof text});
}

JsonDocument& scratch_document() {
  thread_local JsonDocument document;
  return document;
}

}  // namespace dropline::contracts::codec
