#include "catalog/type_fit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace pghaul::catalog {

namespace {

// "timestamp(3) without time zone[]": base "timestamp without time zone", modifiers {3}, array.
struct TypeName {
  std::string base;
  std::vector<int> modifiers;
  bool array = false;

  int modifier(std::size_t i, int otherwise) const { return i < modifiers.size() ? modifiers[i] : otherwise; }
};

std::vector<int> parse_modifiers(std::string_view text) {
  std::vector<int> numbers;
  while (!text.empty()) {
    int number = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{}) return {};
    numbers.push_back(number);
    text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(stop - text.data()) + 1));
  }
  return numbers;
}

TypeName parse_type(std::string text) {
  TypeName type;
  type.array = text.ends_with("[]");
  if (type.array) text.resize(text.size() - 2);
  const auto open = text.find('('), close = text.find(')');
  // Types with quotes are not built in; their names may hold parentheses, and only equal ones fit anyway.
  const bool quoted = text.find('"') != std::string::npos;
  if (!quoted && open != std::string::npos && close != std::string::npos && open < close) {
    type.modifiers = parse_modifiers(std::string_view(text).substr(open + 1, close - open - 1));
    text.erase(open, close - open + 1);
  }
  type.base = std::move(text);
  return type;
}

// Decimal digits before the point that an integer type needs.
std::optional<int> integer_digits(const std::string& base) {
  if (base == "smallint") return 5;
  if (base == "integer") return 10;
  if (base == "bigint") return 19;
  return std::nullopt;
}

bool into_numeric(int digits, int scale, const TypeName& to) {
  if (to.modifiers.empty()) return true;
  const int to_scale = to.modifier(1, 0);
  return to.modifiers[0] - to_scale >= digits && to_scale >= scale;
}

bool number_fits(const TypeName& from, const TypeName& to) {
  const auto from_digits = integer_digits(from.base), to_digits = integer_digits(to.base);
  if (from_digits && to_digits) return *from_digits <= *to_digits;
  if (to.base != "numeric") return from.base == "real" && to.base == "double precision";
  if (from_digits) return into_numeric(*from_digits, 0, to);
  if (from.base != "numeric") return false;
  if (from.modifiers.empty()) return to.modifiers.empty();
  return into_numeric(from.modifiers[0] - from.modifier(1, 0), from.modifier(1, 0), to);
}

bool length_fits(const TypeName& from, const TypeName& to) {
  if (to.modifiers.empty()) return true;
  return !from.modifiers.empty() && from.modifiers[0] <= to.modifiers[0];
}

bool text_fits(const TypeName& from, const TypeName& to) {
  static constexpr std::array<std::string_view, 5> texts{"text", "character varying", "character", "bpchar", "name"};
  if (std::find(texts.begin(), texts.end(), from.base) == texts.end()) return false;
  // Not into character(n): it would be filled up with blanks.
  if (to.base == "text") return true;
  if (to.base != "character varying") return false;
  return from.base == "character" || from.base == "character varying" ? length_fits(from, to) : to.modifiers.empty();
}

constexpr int most_precise_second = 6;

bool same_base_fits(const TypeName& from, const TypeName& to) {
  const std::string& base = from.base;
  if (from.modifiers == to.modifiers) return true;
  if (base == "numeric") return number_fits(from, to);
  if (base == "character" || base == "character varying" || base == "bit varying") return length_fits(from, to);
  if (base.starts_with("time") || base.starts_with("interval")) {
    return from.modifier(0, most_precise_second) <= to.modifier(0, most_precise_second);
  }
  // bit(n) takes exactly n bits; the modifiers of others mean what only their makers know.
  return false;
}

bool widens(const TypeName& from, const TypeName& to) {
  static const std::array<std::pair<std::string_view, std::string_view>, 4> others{{
      {"json", "jsonb"},
      {"jsonb", "json"},
      {"date", "timestamp without time zone"},
      {"bit", "bit varying"},
  }};
  if (number_fits(from, to) || text_fits(from, to)) return true;
  const bool known = std::any_of(others.begin(), others.end(), [&](const auto& pair) {
    return pair.first == from.base && pair.second == to.base;
  });
  return known && (from.base != "bit" || length_fits(from, to));
}

}  // namespace

bool type_fits(const std::string& from_text, const std::string& to_text) {
  if (from_text == to_text) return true;
  const TypeName from = parse_type(from_text), to = parse_type(to_text);
  if (from.array != to.array) return false;
  return from.base == to.base ? same_base_fits(from, to) : widens(from, to);
}

}  // namespace pghaul::catalog
