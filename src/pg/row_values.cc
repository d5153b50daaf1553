#include "pg/row_values.h"

#include <algorithm>
#include <array>

namespace pghaul::pg {
namespace {

constexpr std::string_view ellipsis = "…";

// 22021 and 22P05: `invalid byte sequence for encoding "UTF8": 0xff`. One character, and names of encodings.
bool quotes_encodings_only(std::string_view sqlstate) {
  return sqlstate == "22021" || sqlstate == "22P05";
}

// Quotation marks of the languages that PostgreSQL speaks.
std::size_t find_quotation(std::string_view message) {
  constexpr std::array<std::string_view, 9> opening = {"\"", "'", "“", "„", "”", "«", "»", "‘", "「"};
  auto first = std::string_view::npos;
  for (const auto mark : opening) first = std::min(first, message.find(mark));
  return first;
}

}  // namespace

std::string without_row_values(std::string_view sqlstate, std::string_view message) {
  if (sqlstate.starts_with("P0")) return "code of the database raised an error (--verbose shows its text)";
  if (!sqlstate.starts_with("22") || quotes_encodings_only(sqlstate)) return std::string(message);
  const auto first = find_quotation(message);
  if (first == std::string_view::npos) return std::string(message);
  // Values may hold quotation marks themselves: what is quoted ends at the last one.
  const auto last = message.rfind('"');
  const bool ends = message[first] == '"' && last > first;
  return std::string(message.substr(0, first)).append(ellipsis).append(ends ? message.substr(last + 1) : "");
}

}  // namespace pghaul::pg
