#pragma once

#include <optional>
#include <string_view>

#include "dropline/contracts/codec.hpp"

namespace dropline::shop {

/// `"name":value`, as contracts write it.
template <class T>
void write_field(contracts::JsonWriter& out, std::string_view name, const T& value) {
  out.name(name);
  contracts::codec::write_any(out, value);
}

/// Left out where it is absent.
template <class T>
void write_field(contracts::JsonWriter& out, std::string_view name, const std::optional<T>& value) {
  if (value) write_field(out, name, *value);
}

}  // namespace dropline::shop
