#pragma once

#include <string>
#include <string_view>

namespace dropline::shop {

/// What a file begins with so that spreadsheets take it for UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Rows of comma-separated values by RFC 4180: lines end in CR LF, a cell with a comma, a quote or
/// a line break stands in quotes. What a spreadsheet would take for a formula does not begin with
/// `=`, `+`, `-`, `@`, tab or CR: such a cell is given an apostrophe in front. Numbers are written
/// by number() and stay numbers, also below zero.
class CsvWriter final {
 public:
  explicit CsvWriter(std::string& out) : out_(out) {}

  CsvWriter& cell(std::string_view text);
  CsvWriter& number(long long value);
  void end_row();

 private:
  void begin_cell();

  std::string& out_;
  bool first_ = true;
};

}  // namespace dropline::shop
