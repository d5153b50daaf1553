#include "database/row_checks.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

Error broken(std::size_t row, const std::string& how) {
  return Error(ErrorKind::failed, fmt::format("load_rows() broke its contract: row {} of its answer {}", row + 1, how))
      .on(Side::source);
}

}  // namespace

void RowChecks::check_width(std::size_t row, std::size_t width) {
  std::size_t expected = 0;
  if (width_.compare_exchange_strong(expected, width)) expected = width;
  if (width != expected) {
    throw broken(row, fmt::format("has {} columns, and the first row of the table had {}", width, expected));
  }
  if (width <= id_column_) {
    throw broken(row, fmt::format("has {} columns, and the id is said to be in column {}", width, id_column_ + 1));
  }
}

std::optional<std::uint64_t> RowChecks::parse_id(std::string_view text) {
  std::uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, id);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return id;
}

std::uint64_t RowChecks::id_of(const Row& row, std::size_t number) const {
  const auto& text = row[id_column_];
  if (const auto id = text ? parse_id(*text) : std::nullopt) return *id;
  throw broken(number, fmt::format("has {} in column {}, where its id should be: a number from 0 to 2^64 - 2",
                                   text ? "something else" : "NULL", id_column_ + 1));
}

void RowChecks::check(const std::vector<Row>& rows, std::uint64_t lower, std::uint64_t upper) {
  std::optional<std::uint64_t> before;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    check_width(i, rows[i].size());
    const auto id = id_of(rows[i], i);
    if (id < lower || id >= upper) throw broken(i, "lies outside the range that was asked for");
    if (before && id == *before) throw broken(i, "has the same id as the one before it");
    if (before && id < *before) throw broken(i, "comes after one with a higher id");
    before = id;
  }
}

}  // namespace pghaul
