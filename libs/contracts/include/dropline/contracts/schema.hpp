#pragma once

#include <string>
#include <string_view>

#include "dropline/contracts/codec.hpp"

/// The JSON Schema (draft 2020-12) that a message's list of fields amounts to. The files under
/// schemas/topics say the same and more (titles, descriptions, examples); a test compares them.
namespace dropline::contracts {
namespace codec {

void schema_number(JsonWriter& out, Bounds bounds);
void schema_text(JsonWriter& out, Bounds bounds);
void schema_boolean(JsonWriter& out);
void schema_uuid(JsonWriter& out);
void schema_sku(JsonWriter& out);
void schema_money(JsonWriter& out, Bounds bounds = kAmountBounds);
void schema_time(JsonWriter& out);
void schema_digest(JsonWriter& out);
void schema_name(JsonWriter& out, const std::string_view* names, std::size_t count);
void schema_list_begin(JsonWriter& out, Bounds bounds);
void schema_object_end(JsonWriter& out, const std::vector<std::string_view>& required);

template <class T>
void schema_of(JsonWriter& out, auto... bounds);

class Describer final {
 public:
  explicit Describer(JsonWriter& out) noexcept : out_(out) {}

  template <class T>
  void operator()(std::string_view name, const T&, auto... bounds) {
    out_.name(name);
    if constexpr (kIsOptional<T>) {
      schema_of<typename T::value_type>(out_, bounds...);
    } else {
      schema_of<T>(out_, bounds...);
      required_.push_back(name);
    }
  }
  [[nodiscard]] const std::vector<std::string_view>& required() const noexcept { return required_; }

 private:
  JsonWriter& out_;
  std::vector<std::string_view> required_;
};

template <class T>
void schema_of(JsonWriter& out, auto... bounds) {
  if constexpr (kIsVector<T>) {
    schema_list_begin(out, bounds...);
    schema_of<typename T::value_type>(out);
    out.close_object();
  } else if constexpr (NamedEnum<T>) {
    constexpr auto kNames = names_of(T{});
    schema_name(out, kNames.data(), kNames.size());
  } else if constexpr (Listed<T>) {
    out.open_object();
    out.name("type");
    out.plain("object");
    out.name("properties");
    out.open_object();
    Describer describer(out);
    const T sample{};
    T::fields(sample, describer);
    out.close_object();
    schema_object_end(out, describer.required());
  } else if constexpr (std::same_as<T, bool>) {
    schema_boolean(out);
  } else if constexpr (std::integral<T>) {
    schema_number(out, bounds...);
  } else if constexpr (std::same_as<T, std::string>) {
    schema_text(out, bounds...);
  } else if constexpr (std::same_as<T, Sku>) {
    schema_sku(out);
  } else if constexpr (std::same_as<T, Money>) {
    schema_money(out, bounds...);
  } else if constexpr (std::same_as<T, Timestamp>) {
    schema_time(out);
  } else if constexpr (std::same_as<T, crypto::Digest>) {
    schema_digest(out);
  } else {
    static_assert(kIsId<T> || std::same_as<T, Uuid>, "a field type without a schema");
    schema_uuid(out);
  }
}

}  // namespace codec

template <Body T>
[[nodiscard]] std::string json_schema() {
  std::string text;
  JsonWriter out(text);
  codec::schema_of<T>(out);
  return text;
}

}  // namespace dropline::contracts
