#include "dropline/contracts/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "dropline/base/ensure.hpp"
#include "dropline/contracts/errors.hpp"

namespace dropline::contracts {
namespace {

/// Length of the run of plain ASCII at the start, found eight bytes at a time.
std::size_t ascii_run(std::string_view text) noexcept {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    // The second term has the high bit set wherever a byte is zero.
    const auto zeros = (word - 0x0101010101010101ULL) & ~word;
    if (((word | zeros) & 0x8080808080808080ULL) != 0) break;
  }
  while (at < text.size() && text[at] > 0)
    ++at;
  return at;
}

/// Bytes of the code point at the start; 0 where it is not valid.
std::size_t code_point_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const auto lead = byte(0);
  if (lead >= 0x01 && lead <= 0x7F) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// Hears RapidJSON's reader and lays the nodes down. Answers false to stop the reader, with the
/// reason in `code` and `what`.
class NodeBuilder final {
 public:
  using Node = JsonDocument::Node;

  NodeBuilder(std::vector<Node>& nodes, const std::string& buffer,
              const rapidjson::InsituStringStream& stream)
      : nodes_(nodes), buffer_(buffer), stream_(stream) {}

  bool Null() { return leaf(JsonKind::null, 0, 0); }
  bool Bool(bool value) {
    const std::size_t length = value ? 4 : 5;
    return leaf(JsonKind::boolean, stream_offset() - length, length);
  }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    return leaf(JsonKind::number, static_cast<std::size_t>(text - buffer_.data()), length);
  }
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  bool String(const char* text, rapidjson::SizeType length, bool) {
    return string(text, length, true);
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    return string(text, length, false);
  }
  bool StartObject() { return open(JsonKind::object); }
  bool StartArray() { return open(JsonKind::array); }
  bool EndArray(rapidjson::SizeType) { return close(); }
  bool EndObject(rapidjson::SizeType) {
    const auto& object = nodes_[open_[static_cast<std::size_t>(depth_ - 1)]];
    return unique_names(object) && close();
  }

  Errc code = Errc::bad_json;
  std::string what;

 private:
  std::size_t stream_offset() const {
    return const_cast<rapidjson::InsituStringStream&>(stream_).Tell();
  }

  bool stop(Errc errc, std::string reason) {
    code = errc;
    what = std::move(reason);
    return false;
  }
  void count_in_parent() {
    if (depth_ > 0) ++nodes_[open_[static_cast<std::size_t>(depth_ - 1)]].count;
  }
  void add(JsonKind kind, std::size_t begin, std::size_t length) {
    Node node;
    node.kind = kind;
    node.begin = static_cast<std::uint32_t>(begin);
    node.length = static_cast<std::uint32_t>(length);
    node.next = static_cast<std::uint32_t>(nodes_.size() + 1);
    nodes_.push_back(node);
  }
  bool leaf(JsonKind kind, std::size_t begin, std::size_t length) {
    count_in_parent();
    add(kind, begin, length);
    return true;
  }
  bool string(const char* text, std::size_t length, bool counts) {
    if (!valid_text({text, length}))
      return stop(Errc::bad_json, "a string is not valid UTF-8 or holds U+0000");
    if (counts) count_in_parent();
    add(JsonKind::string, static_cast<std::size_t>(text - buffer_.data()), length);
    return true;
  }
  bool open(JsonKind kind) {
    if (depth_ == kMaxDepth) return stop(Errc::too_deep, "nested deeper than 32 levels");
    count_in_parent();
    open_[static_cast<std::size_t>(depth_++)] = static_cast<std::uint32_t>(nodes_.size());
    add(kind, stream_offset() - 1, 0);
    return true;
  }
  bool close() {
    auto& node = nodes_[open_[static_cast<std::size_t>(--depth_)]];
    node.length = static_cast<std::uint32_t>(stream_offset()) - node.begin;
    node.next = static_cast<std::uint32_t>(nodes_.size());
    return true;
  }

  std::string_view text_of(const Node& node) const {
    return std::string_view(buffer_).substr(node.begin, node.length);
  }
  bool unique_names(const Node& object);
  std::string pointer_to(std::string_view name) const;

  std::vector<Node>& nodes_;
  const std::string& buffer_;
  const rapidjson::InsituStringStream& stream_;
  std::array<std::uint32_t, kMaxDepth> open_{};
  int depth_ = 0;
  std::vector<std::string_view> names_;
};

bool NodeBuilder::unique_names(const Node& object) {
  constexpr std::size_t kFewNames = 24;
  const auto repeated = [this](std::string_view name) {
    return stop(Errc::duplicate_field, pointer_to(name) + " is named twice");
  };
  const auto first = open_[static_cast<std::size_t>(depth_ - 1)] + 1;
  names_.clear();
  for (std::uint32_t at = first; at < nodes_.size(); at = nodes_[at + 1].next) {
    const auto name = text_of(nodes_[at]);
    if (object.count <= kFewNames && std::ranges::find(names_, name) != names_.end())
      return repeated(name);
    names_.push_back(name);
  }
  if (object.count <= kFewNames) return true;
  std::ranges::sort(names_);
  const auto twice = std::ranges::adjacent_find(names_);
  return twice == names_.end() || repeated(*twice);
}

std::string NodeBuilder::pointer_to(std::string_view name) const {
  std::string pointer;
  const auto step = [&pointer](std::string_view text) {
    pointer += '/';
    for (const char c : text) {
      if (c == '~') {
        pointer += "~0";
      } else if (c == '/') {
        pointer += "~1";
      } else {
        pointer += c;
      }
    }
  };
  for (int level = 0; level + 1 < depth_; ++level) {
    const auto& container = nodes_[open_[static_cast<std::size_t>(level)]];
    const auto inner = open_[static_cast<std::size_t>(level + 1)];
    if (container.kind == JsonKind::object) {
      step(text_of(nodes_[inner - 1]));
    } else {
      step(std::to_string(container.count - 1));
    }
  }
  step(name);
  return pointer;
}

}  // namespace

bool valid_text(std::string_view text) noexcept {
  for (text.remove_prefix(ascii_run(text)); !text.empty(); text.remove_prefix(ascii_run(text))) {
    const auto length = code_point_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t code_points(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string_view name_of(JsonKind kind) noexcept {
  switch (kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "true or false";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::array:
      return "an array";
    case JsonKind::object:
      return "an object";
  }
  return "unknown";
}

Status JsonDocument::parse(std::string_view text, std::size_t max_bytes) {
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
  nodes_.clear();
  if (text.size() > max_bytes)
    return error(Errc::too_large, std::to_string(text.size()) + " bytes; at most " +
                                      std::to_string(max_bytes) + " are read");
  // RapidJSON takes a zero byte for the end and would not look at what follows it.
  if (text.find('\0') != std::string_view::npos)
    return error(Errc::bad_json, "the text holds a zero byte");
  buffer_.assign(text);
  rapidjson::InsituStringStream stream(buffer_.data());
  NodeBuilder builder(nodes_, buffer_, stream);
  rapidjson::Reader reader;
  const auto result = reader.Parse<kFlags>(stream, builder);
  if (!result) {
    nodes_.clear();
    if (result.Code() == rapidjson::kParseErrorTermination)
      return error(builder.code, std::move(builder.what));
    return error(Errc::bad_json, std::string(rapidjson::GetParseError_En(result.Code())) +
                                     " At byte " + std::to_string(result.Offset()) + '.');
  }
  return {};
}

JsonValue JsonDocument::root() const noexcept {
  ensure(!nodes_.empty(), "a document is parsed before it is read");
  return {this, 0};
}

std::optional<JsonValue> JsonObject::find(std::string_view name) noexcept {
  const auto count = object_.size();
  for (std::size_t looked = 0; looked < count; ++looked) {
    if (at_ == count) {
      at_ = 0;
      cursor_ = object_.first_child();
    }
    const auto value = cursor_.sibling();
    const bool found = cursor_.text() == name;
    ++at_;
    cursor_ = value.sibling();
    if (found) return value;
  }
  return std::nullopt;
}

void JsonWriter::text(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  comma();
  out_ += '"';
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out_.append(text, from, i - from);
    from = i + 1;
    out_ += '\\';
    switch (c) {
      case '"':
      case '\\':
        out_ += static_cast<char>(c);
        break;
      case '\n':
        out_ += 'n';
        break;
      case '\t':
        out_ += 't';
        break;
      case '\r':
        out_ += 'r';
        break;
      default:
        out_ += "u00";
        out_ += kDigits[c >> 4];
        out_ += kDigits[c & 15];
    }
  }
  out_.append(text, from);
  out_ += '"';
}

void JsonWriter::number(std::int64_t value) {
  char digits[20];
  comma();
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace dropline::contracts
