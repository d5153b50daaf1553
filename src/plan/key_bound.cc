#include "plan/key_bound.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "pghaul/error.h"

namespace pghaul {
namespace {

constexpr std::size_t longest_shown = 60;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Of the well-formed UTF-8 character that begins here; 0 if there is none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), is_continuation))
    return 0;
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  // Too long a form, half of a pair, or beyond the last character: the server refuses them.
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

void append_value(std::string& out, std::string_view value) {
  out += '"';
  while (!value.empty()) {
    const char c = value.front();
    const auto length = character_length(value);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (length == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u00{:02x}", static_cast<unsigned char>(c));
    } else {
      out += value.substr(0, length);
    }
    value.remove_prefix(std::max<std::size_t>(1, length));
  }
  out += '"';
}

// Reads what encode_bound() writes.
class BoundReader {
 public:
  explicit BoundReader(std::string_view text) : text_(text) {}
  KeyBound read();

 private:
  bool take(char c);
  char any();
  char escaped();
  std::string value();
  [[noreturn]] void fail() const;

  const std::string_view text_;
  std::size_t next_ = 0;
};

void BoundReader::fail() const {
  throw Error(ErrorKind::failed, fmt::format("\"{}\" is not a bound of a chunk", text_));
}

char BoundReader::any() {
  if (next_ == text_.size()) fail();
  return text_[next_++];
}

bool BoundReader::take(char c) {
  if (next_ == text_.size() || text_[next_] != c) return false;
  ++next_;
  return true;
}

char BoundReader::escaped() {
  const char c = any();
  if (c == '"' || c == '\\') return c;
  unsigned byte = 0;
  const auto digits = text_.substr(std::min(next_, text_.size()), 4);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
  if (c != 'u' || digits.size() != 4 || problem != std::errc{} || end != digits.data() + 4 || byte > 0xFF)
    fail();
  next_ += 4;
  return static_cast<char>(byte);
}

std::string BoundReader::value() {
  if (!take('"')) fail();
  std::string out;
  for (char c = any(); c != '"'; c = any()) out += c == '\\' ? escaped() : c;
  return out;
}

KeyBound BoundReader::read() {
  KeyBound bound;
  if (!take('[')) fail();
  do bound.push_back(value());
  while (take(','));
  if (!take(']') || next_ != text_.size()) fail();
  return bound;
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
         c == '.' || c == ':' || c == '+' || c == '/' || c == '@' || static_cast<unsigned char>(c) >= 0x80;
}

std::string shown_value(const std::string& value) {
  std::string text;
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain))
    text = value;
  else
    append_value(text, value);
  if (text.size() <= longest_shown) return text;
  auto end = longest_shown;
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

std::string encode_bound(const KeyBound& bound) {
  std::string out = "[";
  for (std::size_t i = 0; i < bound.size(); ++i) {
    if (i > 0) out += ',';
    append_value(out, bound[i]);
  }
  return out + "]";
}

KeyBound decode_bound(std::string_view text) {
  return BoundReader(text).read();
}

bool is_encoded_bound(std::string_view text) {
  return text.starts_with('[');
}

std::string show_bound(std::string_view encoded) {
  std::string list;
  const auto bound = decode_bound(encoded);
  for (const auto& value : bound) list += (list.empty() ? "" : ", ") + shown_value(value);
  return bound.size() == 1 ? list : "(" + list + ")";
}

}  // namespace pghaul
