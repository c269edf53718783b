#include "dropline/worker/shard.hpp"

#include <charconv>
#include <optional>

#include "dropline/worker/errors.hpp"

namespace dropline::worker {
namespace {

/// Cuts the text up to the next `separator`, or all of it.
std::string_view cut(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

template <class Number>
bool read_number(std::string_view text, Number& out, int base = 10) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return problem == std::errc{} && end == text.data() + text.size() && !text.empty();
}

Error damaged(std::string_view line) {
  return error(Errc::bad_shard_row,
               "cannot read '" + std::string(line) +
                   "' in a row of the table shards; restore the row from a backup, or remove the "
                   "topic's line to read that topic from its start");
}

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, number);
  static_cast<void>(problem);
  out.append(digits, end);
}

void append_hex(std::string& out, std::uint64_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4)
    out += kDigits[number >> shift & 15];
}

}  // namespace

std::string format_positions(const Positions& positions) {
  std::string text;
  for (const auto& [topic, progress] : positions) {
    text.append(topic) += ' ';
    append_number(text, progress.next);
    text += ' ';
    append_hex(text, progress.fingerprint);
    text += '\n';
  }
  return text;
}

std::string format_watermarks(const Watermarks& watermarks) {
  std::string text;
  for (const auto& [source, said] : watermarks) {
    text.append(source) += ' ';
    append_number(text, said.seq);
    text += '-';
    append_number(text, said.index);
    text += '\n';
  }
  return text;
}

Result<Positions> parse_positions(std::string_view text) {
  Positions positions;
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    auto rest = line;
    const auto topic = cut(rest, ' ');
    const auto next = cut(rest, ' ');
    Progress progress;
    if (topic.empty() || !read_number(next, progress.next) || progress.next < 0 ||
        !read_number(rest, progress.fingerprint, 16))
      return damaged(line);
    positions.emplace(topic, progress);
  }
  return positions;
}

Result<Watermarks> parse_watermarks(std::string_view text) {
  Watermarks watermarks;
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    const auto space = line.rfind(' ');
    if (space == std::string_view::npos) return damaged(line);
    auto said_text = line.substr(space + 1);
    const auto seq = cut(said_text, '-');
    Said said;
    if (!read_number(seq, said.seq) || !read_number(said_text, said.index)) return damaged(line);
    watermarks.emplace(line.substr(0, space), said);
  }
  return watermarks;
}

}  // namespace dropline::worker
