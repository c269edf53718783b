#include "dropline/telemetry/secret.hpp"

#include <string.h>

namespace dropline::telemetry {

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();
  text_ = other.text_;
  return *this;
}

// Swapped and wiped rather than moved: a moved-from short string keeps its characters.
Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  text_.swap(other.text_);
  other.wipe();
  return *this;
}

bool Secret::operator==(const Secret& other) const noexcept {
  if (text_.size() != other.text_.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    difference |= static_cast<unsigned char>(text_[i] ^ other.text_[i]);
  }
  return difference == 0;
}

void Secret::wipe() noexcept {
  explicit_bzero(text_.data(), text_.capacity());
  text_.clear();
}

}  // namespace dropline::telemetry
