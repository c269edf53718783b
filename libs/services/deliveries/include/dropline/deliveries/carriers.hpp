#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Who carries parcels, and what their numbers look like. No network: only what a number's form
/// tells, so that a slip of the pen is met before the shopper meets it.
namespace dropline::deliveries {

struct Carrier {
  std::string_view code;  ///< what operators write: lower case
  std::string_view english;
  std::string_view korean;
  /// Forms that its numbers take: `9` a digit, `A` a capital letter, `X` either, anything else
  /// itself. Several, separated by a blank.
  std::string_view forms;
};

[[nodiscard]] std::span<const Carrier> carriers() noexcept;
/// nullptr for one that is not known: such carriers are welcome, their numbers only bounded.
[[nodiscard]] const Carrier* find_carrier(std::string_view code) noexcept;

/// The number as it is kept: without blanks and hyphens, letters in upper case. nullopt where the
/// carrier's name is none (a-z, 0-9 and `-`, up to 40), the number has not the form that the
/// carrier gives out, or of an unknown carrier is not 4 to 40 letters and digits.
[[nodiscard]] std::optional<std::string> waybill_of(std::string_view carrier,
                                                    std::string_view number);

}  // namespace dropline::deliveries
