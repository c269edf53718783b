#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace dropline::telemetry {

/// A key, password or token. Prints, logs and compares without showing itself; its memory is
/// overwritten when it goes. Only reveal() gives the text, so that one search finds every use.
class Secret final {
 public:
  static constexpr std::string_view kHidden = "(hidden)";

  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept {
    text_.swap(other.text_);
    other.wipe();
  }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  /// Takes as long for a wrong guess as for the right one of the same length.
  bool operator==(const Secret& other) const noexcept;

 private:
  void wipe() noexcept;
  std::string text_;
};

inline std::ostream& operator<<(std::ostream& out, const Secret&) {
  return out << Secret::kHidden;
}

}  // namespace dropline::telemetry
