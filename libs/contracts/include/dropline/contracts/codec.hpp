#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "dropline/base/ensure.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/base/money.hpp"
#include "dropline/base/sku.hpp"
#include "dropline/base/time.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/errors.hpp"
#include "dropline/contracts/json.hpp"
#include "dropline/crypto/sha256.hpp"

/// How a plain struct becomes JSON and back. A message lists its fields once:
///
///     template <class Self, class Visit>
///     static void fields(Self& self, Visit& visit) {
///       visit("sku", self.sku);
///       visit("quantity", self.quantity, Bounds{1, kMaxQuantity});
///     }
///
/// and encode(), decode(), validate() and the check that schemas/ agrees all read that one list.
/// A std::optional is a field that may be absent (null counts as absent); everything else is
/// required. Unknown fields are ignored. Integers, texts and lists say their bounds; of text they
/// count code points.
///
/// Field types: bool, std::int32_t, std::int64_t, std::string, Id<>, Uuid, Sku, Money, Timestamp,
/// crypto::Digest (64 lower-case hex digits), enums that have `names_of(E)`, structs that have
/// fields(), std::vector and std::optional of these.
///
/// A struct may add `[[nodiscard]] Status check() const` for what binds fields together.
namespace dropline::contracts {

/// Of a number its value, of text its code points, of a list its length; both ends belong.
struct Bounds {
  std::int64_t min;
  std::int64_t max;
};

/// The largest whole number that every JSON reader keeps exactly (2^53 − 1): amounts, offsets and
/// versions stay within it.
inline constexpr std::int64_t kMaxExact = 9'007'199'254'740'991;
inline constexpr Bounds kAmountBounds{0, kMaxExact};
inline constexpr Bounds kOffsetBounds{0, kMaxExact};

/// An enum whose values count up from 0 and whose JSON texts are `names_of(E{})`, in that order.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  { names_of(value).size() } -> std::convertible_to<std::size_t>;
};

template <NamedEnum E>
[[nodiscard]] constexpr std::string_view to_text(E value) noexcept {
  return names_of(value)[static_cast<std::size_t>(value)];
}
template <NamedEnum E>
[[nodiscard]] constexpr std::optional<E> parse_enum(std::string_view text) noexcept {
  const auto names = names_of(E{});
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return static_cast<E>(i);
  return std::nullopt;
}

namespace codec {

/// Visitors for the two questions "has this type a list of fields" and "what are they".
struct AnyVisit {
  template <class... T>
  void operator()(T&&...) const noexcept {}
};
template <class T>
concept Listed = requires(T& value, AnyVisit& visit) {
  T::fields(value, visit);
};
template <class T>
concept Checked = requires(const T& value) {
  { value.check() } -> std::same_as<Status>;
};
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsId = false;
template <class Tag>
inline constexpr bool kIsId<Id<Tag>> = true;
template <class T>
inline constexpr bool kNeedsBounds =
    std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::string> || kIsVector<T>;
template <class T>
inline constexpr bool kNeedsBounds<std::optional<T>> = kNeedsBounds<T>;

/// Where reading stopped: the pointer grows from the leaf up as the calls return.
class Failure final {
 public:
  bool fail(Errc code, std::string what) {
    code_ = code;
    what_ = std::move(what);
    return false;
  }
  bool fail(Error error) {
    given_ = std::move(error);
    return false;
  }
  bool within(std::string_view name) {
    pointer_.insert(0, name).insert(0, 1, '/');
    return false;
  }
  bool within(std::size_t index) { return within(std::to_string(index)); }
  [[nodiscard]] Error error() const;

 private:
  Errc code_ = Errc::bad_json;
  std::string what_;
  std::string pointer_;
  std::optional<Error> given_;
};

// Leaves. Each reads into `out` or answers false with the failure told.
bool read(Failure& failure, JsonValue value, bool& out);
bool read(Failure& failure, JsonValue value, std::int32_t& out, Bounds bounds);
bool read(Failure& failure, JsonValue value, std::int64_t& out, Bounds bounds);
bool read(Failure& failure, JsonValue value, std::string& out, Bounds bounds);
bool read(Failure& failure, JsonValue value, Uuid& out);
bool read(Failure& failure, JsonValue value, Sku& out);
bool read(Failure& failure, JsonValue value, Money& out, Bounds bounds = kAmountBounds);
bool read(Failure& failure, JsonValue value, Timestamp& out);
bool read(Failure& failure, JsonValue value, crypto::Digest& out);
/// The index of the name among `names`.
bool read_name(Failure& failure, JsonValue value, const std::string_view* names, std::size_t count,
               std::size_t& out);
/// The checks of read() on a value that did not come as JSON.
bool check_number(Failure& failure, std::int64_t value, Bounds bounds);
bool check_text(Failure& failure, std::string_view value, Bounds bounds);
bool check_count(Failure& failure, std::size_t count, Bounds bounds);
bool check_money(Failure& failure, const Money& value, Bounds bounds = kAmountBounds);
bool expect(Failure& failure, JsonValue value, JsonKind kind);
bool missing(Failure& failure);

void write(JsonWriter& out, const Uuid& value);
void write(JsonWriter& out, const Money& value);
void write(JsonWriter& out, Timestamp value);
void write(JsonWriter& out, const crypto::Digest& value);

template <class T>
bool read_any(Failure& failure, JsonValue value, T& out, auto... bounds);
template <class T>
void write_any(JsonWriter& out, const T& value);
template <class T>
bool check_any(Failure& failure, const T& value, auto... bounds);

class Reader final {
 public:
  Reader(Failure& failure, JsonValue object) noexcept : failure_(failure), object_(object) {}

  template <class T>
  void operator()(std::string_view name, T& member, auto... bounds) {
    static_assert(!kNeedsBounds<T> || sizeof...(bounds) == 1, "numbers, texts, lists are bounded");
    if (failed_) return;
    const auto value = object_.find(name);
    if constexpr (kIsOptional<T>) {
      if (!value || value->is(JsonKind::null)) {
        member.reset();
        return;
      }
      failed_ = !read_any(failure_, *value, member.emplace(), bounds...);
    } else {
      failed_ = value ? !read_any(failure_, *value, member, bounds...) : !missing(failure_);
    }
    if (failed_) failure_.within(name);
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  Failure& failure_;
  JsonObject object_;
  bool failed_ = false;
};

class Writer final {
 public:
  explicit Writer(JsonWriter& out) noexcept : out_(out) {}

  template <class T>
  void operator()(std::string_view name, const T& member, auto...) {
    if constexpr (kIsOptional<T>) {
      if (!member) return;
      out_.name(name);
      write_any(out_, *member);
    } else {
      out_.name(name);
      write_any(out_, member);
    }
  }

 private:
  JsonWriter& out_;
};

class Checker final {
 public:
  explicit Checker(Failure& failure) noexcept : failure_(failure) {}

  template <class T>
  void operator()(std::string_view name, const T& member, auto... bounds) {
    if (failed_) return;
    if constexpr (kIsOptional<T>) {
      failed_ = member && !check_any(failure_, *member, bounds...);
    } else {
      failed_ = !check_any(failure_, member, bounds...);
    }
    if (failed_) failure_.within(name);
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  Failure& failure_;
  bool failed_ = false;
};

template <class T>
bool together(Failure& failure, const T& value) {
  if constexpr (Checked<T>) {
    if (auto status = value.check(); !status) return failure.fail(std::move(status).error());
  }
  return true;
}

template <class T>
bool read_any(Failure& failure, JsonValue value, T& out, auto... bounds) {
  if constexpr (kIsId<T>) {
    Uuid uuid;
    if (!read(failure, value, uuid)) return false;
    out = T(uuid);
    return true;
  } else if constexpr (NamedEnum<T>) {
    constexpr auto kNames = names_of(T{});
    std::size_t index = 0;
    if (!read_name(failure, value, kNames.data(), kNames.size(), index)) return false;
    out = static_cast<T>(index);
    return true;
  } else if constexpr (kIsVector<T>) {
    if (!expect(failure, value, JsonKind::array) || !check_count(failure, value.size(), bounds...))
      return false;
    out.clear();
    out.resize(value.size());
    JsonValue element = value.first_child();
    for (std::size_t i = 0; i < out.size(); ++i, element = element.sibling())
      if (!read_any(failure, element, out[i])) return failure.within(i);
    return true;
  } else if constexpr (Listed<T>) {
    if (!expect(failure, value, JsonKind::object)) return false;
    Reader reader(failure, value);
    T::fields(out, reader);
    return !reader.failed() && together(failure, out);
  } else {
    return read(failure, value, out, bounds...);
  }
}

template <class T>
void write_any(JsonWriter& out, const T& value) {
  if constexpr (kIsId<T>) {
    write(out, value.uuid());
  } else if constexpr (NamedEnum<T>) {
    out.plain(to_text(value));
  } else if constexpr (kIsVector<T>) {
    out.open_array();
    for (const auto& element : value)
      write_any(out, element);
    out.close_array();
  } else if constexpr (Listed<T>) {
    out.open_object();
    Writer writer(out);
    T::fields(value, writer);
    out.close_object();
  } else if constexpr (std::same_as<T, bool>) {
    out.boolean(value);
  } else if constexpr (std::integral<T>) {
    out.number(value);
  } else if constexpr (std::same_as<T, std::string>) {
    out.text(value);
  } else if constexpr (std::same_as<T, Sku>) {
    out.plain(value.text());
  } else {
    write(out, value);
  }
}

template <class T>
bool check_any(Failure& failure, const T& value, auto... bounds) {
  if constexpr (kIsVector<T>) {
    if (!check_count(failure, value.size(), bounds...)) return false;
    for (std::size_t i = 0; i < value.size(); ++i)
      if (!check_any(failure, value[i])) return failure.within(i);
    return true;
  } else if constexpr (Listed<T>) {
    Checker checker(failure);
    T::fields(value, checker);
    return !checker.failed() && together(failure, value);
  } else if constexpr (std::same_as<T, std::string>) {
    return check_text(failure, value, bounds...);
  } else if constexpr (std::same_as<T, Money>) {
    return check_money(failure, value, bounds...);
  } else if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    return check_number(failure, value, bounds...);
  } else if constexpr (std::same_as<T, Sku>) {
    return !value.text().empty() || failure.fail(Errc::bad_value, "is empty");
  } else {
    return true;
  }
}

/// A document of this thread, its memory kept from message to message.
[[nodiscard]] JsonDocument& scratch_document();

}  // namespace codec

/// A struct that lists its fields: all that encode(), decode() and validate() need.
template <class T>
concept Body = codec::Listed<T> && std::default_initializable<T>;

/// A body that travels on a topic under a type of its own (see topics.hpp, catalogue.hpp).
template <class T>
concept Message = Body<T> && requires(const T& message) {
  { T::kType } -> std::convertible_to<std::string_view>;
  { T::kTopic } -> std::convertible_to<std::string_view>;
  { message.partition_key() } -> std::same_as<std::string>;
  { message.subject() } -> std::same_as<std::string>;
};

/// Appends the message's JSON. Does not check it: see validate().
template <Body T>
void encode_to(std::string& out, const T& message) {
  JsonWriter writer(out);
  codec::write_any(writer, message);
}
template <Body T>
[[nodiscard]] std::string encode(const T& message) {
  constexpr std::size_t kUsualBytes = 512;
  std::string out;
  out.reserve(kUsualBytes);
  encode_to(out, message);
  return out;
}

/// Would decode(encode(message)) succeed? For messages made from what a caller gave.
template <Body T>
[[nodiscard]] Status validate(const T& message) {
  codec::Failure failure;
  if (!codec::check_any(failure, message)) return failure.error();
  if (encode(message).size() > kMaxBodyBytes)
    return error(Errc::too_large, "the message is longer than 65536 bytes");
  return {};
}

/// Reads a message. The bytes are parsed once; the message owns what it keeps. Safe from any
/// thread.
template <Body T>
[[nodiscard]] Result<T> decode(std::string_view body) {
  auto& document = codec::scratch_document();
  if (auto status = document.parse(body); !status) return std::move(status).error();
  Result<T> message(boost::system::in_place_value);
  codec::Failure failure;
  if (!codec::read_any(failure, document.root(), *message)) return failure.error();
  return message;
}

/// The same from an envelope, whose type must be T's (Errc::unknown_type).
template <Message T>
[[nodiscard]] Result<T> decode(const Envelope& envelope) {
  if (envelope.type != T::kType)
    return error(Errc::unknown_type, "expected " + std::string(T::kType) + ", not '" +
                                         std::string(envelope.type) + "'");
  return decode<T>(envelope.body);
}

/// Whichever of Ts the envelope's type names; Errc::unknown_type where it is none of them.
template <Message... Ts>
[[nodiscard]] Result<std::variant<Ts...>> decode_any(const Envelope& envelope) {
  std::optional<Result<std::variant<Ts...>>> out;
  const auto attempt = [&]<class T>(std::type_identity<T>) {
    if (envelope.type != T::kType) return false;
    auto message = decode<T>(envelope.body);
    if (message) {
      out.emplace(std::move(*message));
    } else {
      out.emplace(std::move(message).error());
    }
    return true;
  };
  if ((attempt(std::type_identity<Ts>{}) || ...)) return std::move(*out);
  return error(Errc::unknown_type, "no handler here for '" + std::string(envelope.type) + "'");
}

}  // namespace dropline::contracts
