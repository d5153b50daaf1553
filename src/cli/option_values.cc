#include "cli/option_values.h"

#include <array>
#include <charconv>

#include "base/bytes.h"

namespace pghaul {
namespace {

Error expected(const std::string& text, const std::string& what) {
  return Error(ErrorKind::usage, fmt::format("'{}' is not {}", text, what));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

// Cuts at commas outside of double quotes.
std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] != ',' || quoted) continue;
    parts.push_back(trimmed(text.substr(start, i - start)));
    start = i + 1;
  }
  parts.push_back(trimmed(text.substr(start)));
  return parts;
}

std::string folded(std::string_view bare) {
  std::string name;
  for (const char c : bare) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

Error bad_name(std::string_view part) {
  return Error(ErrorKind::usage, fmt::format("'{}' is not the name of a column", part))
      .advise("write a,b with double quotes around a name that has capitals, commas or spaces");
}

// Inside of the double quotes, where a quote of the name itself stands doubled.
std::string unquoted(std::string_view part) {
  if (part.size() < 3 || !part.ends_with('"')) throw bad_name(part);
  const auto inside = part.substr(1, part.size() - 2);
  std::string name;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '"' && (++i == inside.size() || inside[i] != '"')) throw bad_name(part);
    name += inside[i];
  }
  return name;
}

std::string parse_name(std::string_view part) {
  if (part.starts_with('"')) return unquoted(part);
  if (part.empty() || part.find('"') != std::string_view::npos) throw bad_name(part);
  return folded(part);
}

template <typename Number, std::size_t N>
std::string in_largest_unit(Number value, const std::array<std::pair<std::string_view, Number>, N>& units) {
  for (const auto& [name, factor] : units) {
    if (value % factor == 0) return fmt::format("{}{}", value / factor, name);
  }
  return std::to_string(value);
}

}  // namespace

std::int64_t parse_count(const std::string& text, std::int64_t lowest, std::int64_t highest) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code == std::errc() && stop == end && number >= lowest && number <= highest) return number;
  if (highest == INT64_MAX) throw expected(text, fmt::format("a whole number of at least {}", lowest));
  throw expected(text, fmt::format("a whole number from {} to {}", lowest, highest));
}

double parse_percent(const std::string& text) {
  const auto digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
  double percent = 0;
  const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), percent);
  if (code == std::errc() && stop == digits.data() + digits.size() && percent > 0 && percent <= 100) return percent;
  throw expected(text, "a part of a hundred, as 1% or 0.5%");
}

std::int64_t parse_bytes_between(const std::string& text, std::int64_t lowest, std::int64_t highest) {
  const auto bytes = parse_bytes(text);
  if (bytes >= lowest && bytes <= highest) return bytes;
  throw expected(text, fmt::format("a size from {} to {}", show_bytes(lowest), show_bytes(highest)));
}

Duration parse_duration_between(const std::string& text, Duration lowest, Duration highest) {
  const auto span = parse_duration(text);
  if (span >= lowest && span <= highest) return span;
  throw expected(text, fmt::format("a time from {} to {}", show_duration(lowest), show_duration(highest)));
}

const std::string& not_empty(const std::string& text) {
  if (trimmed(text).empty()) throw Error(ErrorKind::usage, "the value is empty");
  return text;
}

std::vector<std::string> parse_names(const std::string& text) {
  std::vector<std::string> names;
  for (const auto part : split_list(text)) names.push_back(parse_name(part));
  return names;
}

void parse_allowed(const std::string& text, Allowed& allowed) {
  enum class Permit { triggers, foreign_keys, rewritten, failover };
  static constexpr Word<Permit> words[] = {
      {"triggers", Permit::triggers}, {"foreign-keys", Permit::foreign_keys}, {"rewritten", Permit::rewritten},
      {"failover", Permit::failover}};
  for (const auto part : split_list(text)) {
    switch (parse_word(std::string(part), words)) {
      case Permit::triggers: allowed.triggers = true; break;
      case Permit::foreign_keys: allowed.foreign_keys = true; break;
      case Permit::rewritten: allowed.rewritten = true; break;
      case Permit::failover: allowed.failover = true; break;
    }
  }
}

std::string show_duration(Duration span) {
  if (span == Duration::zero()) return "0";
  using Units = std::array<std::pair<std::string_view, Duration::rep>, 4>;
  return in_largest_unit(span.count(), Units{{{"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}}});
}

std::string show_bytes(std::int64_t bytes) {
  using Units = std::array<std::pair<std::string_view, std::int64_t>, 4>;
  return in_largest_unit(bytes, Units{{{"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}, {"B", 1}}});
}

}  // namespace pghaul
