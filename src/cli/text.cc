#include "cli/text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace pghaul {
namespace {

constexpr std::size_t kLabelWidth = 12;

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// Byte at which code point `count` begins, or the end.
std::size_t byte_of(std::string_view text, std::size_t count) {
  std::size_t byte = 0;
  for (; byte < text.size(); ++byte) {
    if (starts_code_point(text[byte]) && count-- == 0) break;
  }
  return byte;
}

// Bytes up to the next blank, in a command the next outside of quotes.
std::size_t word_size(std::string_view text, bool command) {
  char open = 0;
  std::size_t size = 0;
  for (; size < text.size() && (open != 0 || text[size] != ' '); ++size) {
    const char c = text[size];
    if (!command || (c != '\'' && c != '"')) continue;
    if (open == 0) open = c;
    else if (open == c) open = 0;
  }
  return size;
}

// In a command an option and its value are one piece.
std::string_view first_piece(std::string_view text, bool command) {
  const auto size = word_size(text, command);
  const bool has_value = command && text.starts_with("--") && size + 1 < text.size() && text[size + 1] != '-';
  return text.substr(0, has_value ? size + 1 + word_size(text.substr(size + 1), command) : size);
}

}  // namespace

std::string grouped(std::int64_t number) {
  auto digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t end = digits.size(); end > first + 3;) digits.insert(end -= 3, ",");
  return digits;
}

std::string counted(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::string one_line(std::string_view text) {
  auto line = printable(text);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

std::string printable_json(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto byte = static_cast<unsigned char>(json[i]);
    const auto next = i + 1 < json.size() ? static_cast<unsigned char>(json[i + 1]) : 0;
    if (byte == 0x7f) {
      result += "\\u007f";
    } else if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {  // U+0080 to U+009F
      result += fmt::format("\\u00{:02x}", next);
      ++i;
    } else {
      result += json[i];
    }
  }
  return result;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_code_point));
}

std::string shortened(std::string_view text, std::size_t width) {
  if (columns_of(text) <= width) return std::string(text);
  if (width == 0) return "";
  return std::string(text.substr(0, byte_of(text, width - 1))) + "…";
}

std::string fitted(std::string_view text, std::size_t width) {
  auto result = shortened(text, width);
  return result + std::string(width - columns_of(result), ' ');
}

std::string wrapped(std::string_view text, const WrapStyle& style) {
  std::string result;
  auto column = style.column.value_or(style.indent);
  while (!text.empty()) {
    const auto word = first_piece(text, style.command);
    const bool first = result.empty();
    if (!first && column + 1 + word.size() > style.width) {
      result += std::string(style.line_end) + "\n" + std::string(style.indent, ' ');
      column = style.indent;
    } else if (!first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return result;
}

void Sheet::title(std::string_view text) {
  text_ += printable(text);
  text_ += '\n';
}

void Sheet::line(std::string_view label, std::string_view value) {
  text_ += fmt::format("  {:<{}}{}\n", label, kLabelWidth, one_line(value));
}

}  // namespace pghaul
