#include "base/quantity.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/int128.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::optional<std::int64_t> to_number(std::string_view digits) {
  std::int64_t number = 0;
  for (const char c : digits) {
    const int digit = c - '0';
    if (number > (std::numeric_limits<std::int64_t>::max() - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  return number;
}

std::string unit_list(std::span<const Unit> units) {
  std::string list;
  for (const auto& unit : units) {
    if (!unit.name.empty()) list += (list.empty() ? "" : ", ") + std::string(unit.name);
  }
  return list;
}

Error not_a_quantity(std::string_view text, std::string_view what, std::span<const Unit> units) {
  return Error(ErrorKind::usage, fmt::format("'{}' is not a {}", text, what))
      .advise(fmt::format("write a number and directly behind it one of {}", unit_list(units)));
}

// `fraction` is cut to 15 digits: more cannot be meant.
std::optional<int128> scale(std::string_view whole, std::string_view fraction, std::int64_t factor) {
  fraction = fraction.substr(0, 15);
  const auto integer = to_number(whole);
  if (!integer) return std::nullopt;
  int128 parts = to_number(fraction).value_or(0);
  parts *= factor;
  for (std::size_t i = 0; i < fraction.size(); ++i) parts /= 10;
  return static_cast<int128>(*integer) * factor + parts;
}

}  // namespace

std::int64_t parse_quantity(std::string_view text, std::string_view what, std::span<const Unit> units) {
  auto rest = text;
  const auto whole = take_digits(rest);
  std::string_view fraction;
  bool well_formed = !whole.empty();
  if (well_formed && rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
    well_formed = !fraction.empty();
  }
  const auto unit = std::ranges::find(units, rest, &Unit::name);
  if (!well_formed || unit == units.end()) throw not_a_quantity(text, what, units);
  const auto value = scale(whole, fraction, unit->factor);
  if (!value || *value > std::numeric_limits<std::int64_t>::max()) {
    throw Error(ErrorKind::usage, fmt::format("'{}' is too large for a {}", text, what));
  }
  return static_cast<std::int64_t>(*value);
}

}  // namespace pghaul
