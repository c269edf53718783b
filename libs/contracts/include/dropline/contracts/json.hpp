#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"

namespace dropline::contracts {

/// Longest JSON text that is read, and deepest nesting ("{}" is one level).
inline constexpr std::size_t kMaxBodyBytes = 64 * 1024;
inline constexpr int kMaxDepth = 32;

/// UTF-8 as RFC 3629 has it (no surrogates, no overlong forms), and no U+0000, which PostgreSQL
/// cannot store.
[[nodiscard]] bool valid_text(std::string_view text) noexcept;

/// Code points; `text` must be valid.
[[nodiscard]] std::size_t code_points(std::string_view text) noexcept;

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

/// "a number", for messages.
[[nodiscard]] std::string_view name_of(JsonKind kind) noexcept;

class JsonValue;

/// A parsed JSON text: one copy of the bytes, strings unescaped in place, and a flat list of nodes.
/// Reuse the object: parsing again reuses its memory, whose bound is 64 KiB of text and 512 KiB of
/// nodes. One thread at a time.
class JsonDocument final {
 public:
  /// Replaces what was parsed before; views into that are gone, also after an error. Size, depth,
  /// UTF-8 and doubled names are checked as the text is read, before anything is built on it. Fails
  /// with Errc::too_large, too_deep, bad_json, duplicate_field.
  Status parse(std::string_view text, std::size_t max_bytes = kMaxBodyBytes);

  /// Needs a successful parse().
  [[nodiscard]] JsonValue root() const noexcept;

  /// What the nodes are, for the reader in src/.
  struct Node {
    std::uint32_t begin = 0;       ///< text: offset in the buffer; containers: offset in the source
    std::uint32_t length = 0;      ///< bytes of either
    std::uint32_t next = 0;        ///< the node after this one and all within
    std::uint32_t count : 24 = 0;  ///< elements, or fields
    JsonKind kind = JsonKind::null;
  };

 private:
  friend class JsonValue;
  friend class JsonObject;
  std::string buffer_;
  std::vector<Node> nodes_;
};

/// A view of one value; lives as long as its document is not parsed again.
class JsonValue final {
 public:
  JsonValue() noexcept = default;

  [[nodiscard]] JsonKind kind() const noexcept { return node().kind; }
  [[nodiscard]] bool is(JsonKind kind) const noexcept { return node().kind == kind; }

  /// A string's content, unescaped; a number as it was written; "true" or "false".
  [[nodiscard]] std::string_view text() const noexcept {
    return std::string_view(document_->buffer_).substr(node().begin, node().length);
  }
  /// Where an object or array stood in the source: the bytes [begin, begin + length).
  [[nodiscard]] std::string_view in_source(std::string_view source) const noexcept {
    return source.substr(node().begin, node().length);
  }
  /// Elements of an array, fields of an object.
  [[nodiscard]] std::size_t size() const noexcept { return node().count; }

  /// Children in order: of an array its elements; of an object name, value, name, value, …
  /// `sibling()` of the last child is not to be looked at; count with size().
  [[nodiscard]] JsonValue first_child() const noexcept { return {document_, index_ + 1}; }
  [[nodiscard]] JsonValue sibling() const noexcept { return {document_, node().next}; }

 private:
  friend class JsonDocument;
  friend class JsonObject;
  JsonValue(const JsonDocument* document, std::uint32_t index) noexcept
      : document_(document), index_(index) {}
  [[nodiscard]] const JsonDocument::Node& node() const noexcept {
    return document_->nodes_[index_];
  }

  const JsonDocument* document_ = nullptr;
  std::uint32_t index_ = 0;
};

/// Finds fields of an object. Asked in the order in which they were written, each costs one
/// comparison.
class JsonObject final {
 public:
  /// `value` must be an object.
  explicit JsonObject(JsonValue value) noexcept : object_(value), cursor_(value.first_child()) {}
  /// The field's value; absent where there is none.
  [[nodiscard]] std::optional<JsonValue> find(std::string_view name) noexcept;

 private:
  JsonValue object_;
  JsonValue cursor_;
  std::size_t at_ = 0;
};

/// Appends JSON to a string, compact, without ever looking back. Knows nothing of what it is told:
/// the caller opens, names and closes in the right order. Text must be valid UTF-8.
class JsonWriter final {
 public:
  explicit JsonWriter(std::string& out) noexcept : out_(out) {}

  void open_object() { open('{'); }
  void close_object() { close('}'); }
  void open_array() { open('['); }
  void close_array() { close(']'); }
  /// `plain` needs no escaping.
  void name(std::string_view plain) {
    comma();
    out_ += '"';
    out_ += plain;
    out_ += "\":";
    first_ = true;
  }
  void text(std::string_view text);
  /// Text that needs no escaping: ids, times, digests.
  void plain(std::string_view text) {
    comma();
    out_ += '"';
    out_ += text;
    out_ += '"';
  }
  void number(std::int64_t value);
  void boolean(bool value) {
    comma();
    out_ += value ? "true" : "false";
  }
  void null() {
    comma();
    out_ += "null";
  }

 private:
  void comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void open(char bracket) {
    comma();
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace dropline::contracts
