#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dropline {

/// The shop's own name for one option of a product: 1 to 64 of A-Z a-z 0-9 . _ -
class Sku final {
 public:
  static constexpr std::size_t kMaxLength = 64;

  Sku() = default;
  [[nodiscard]] static std::optional<Sku> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  auto operator<=>(const Sku&) const = default;

 private:
  explicit Sku(std::string_view text) : text_(text) {}
  std::string text_;
};

}  // namespace dropline

template <>
struct std::hash<dropline::Sku> {
  std::size_t operator()(const dropline::Sku& sku) const noexcept {
    return std::hash<std::string>{}(sku.text());
  }
};
