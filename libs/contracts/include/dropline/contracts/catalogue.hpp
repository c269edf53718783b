#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dropline/base/error.hpp"

namespace dropline::contracts {

/// What is known of a message type without naming it in code: for tools, dead letters, and the
/// checks that code, schemas, samples and asyncapi.yaml tell the same.
struct MessageType {
  std::string_view name;
  std::string_view topic;  ///< logical name
  bool needs_signature = false;
  /// Decodes and encodes again: what our own producers would have written.
  Result<std::string> (*normalize)(std::string_view body) = nullptr;
  /// The key that a record with this body must have.
  Result<std::string> (*key_of)(std::string_view body) = nullptr;
  /// See schema.hpp.
  std::string (*schema)() = nullptr;
};

/// Every type, by topic.
[[nodiscard]] std::span<const MessageType> all_types() noexcept;
/// nullptr where there is none.
[[nodiscard]] const MessageType* find_type(std::string_view name) noexcept;

}  // namespace dropline::contracts
