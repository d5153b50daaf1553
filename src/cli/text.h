// Text for people: numbers, widths, aligned lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pghaul {

// "8,400,000"
std::string grouped(std::int64_t number);
// "1 chunk", "2,000 chunks"
std::string counted(std::int64_t number, std::string_view noun);
// Text of a server or user without line breaks and control characters.
std::string one_line(std::string_view text);
// JSON without the control characters that JSON allows as they are: DEL, and those of 8 bits, which drive terminals.
std::string printable_json(std::string_view json);
// Code points: wide and combining characters count as one column.
std::size_t columns_of(std::string_view text);
// Exactly `width` columns: padded with blanks, or cut with "…" as the last one.
std::string fitted(std::string_view text, std::size_t width);
// At most `width` columns.
std::string shortened(std::string_view text, std::size_t width);

struct WrapStyle {
  std::size_t width = 80;
  std::size_t indent = 0;               // of every line after the first
  std::optional<std::size_t> column{};  // where the first begins; else at the indent
  std::string_view line_end{};          // stands, beyond the width, at the end of each line but the last
  bool command = false;                 // pieces: what is quoted, an option with its value
};
// ASCII text in lines of at most `width` columns, broken at blanks. Longer words stay whole.
std::string wrapped(std::string_view text, const WrapStyle& style);

// Titles with aligned lines of label and value below them.
class Sheet {
 public:
  // Text of several lines keeps them, control characters replaced.
  void title(std::string_view text);
  void line(std::string_view label, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace pghaul
