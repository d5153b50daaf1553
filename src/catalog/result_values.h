// How the catalog's own types print.
#pragma once

#include <charconv>
#include <string_view>
#include <vector>

#include "pg/result.h"

namespace pghaul::catalog {

// Of type "char"; '\0' where it is empty.
inline char one_char(const pg::Result& result, int row, int column) {
  const std::string_view text = result.text(row, column);
  return text.empty() ? '\0' : text.front();
}

// "1 0 3", as int2vector prints it.
inline std::vector<int> parse_numbers(std::string_view text) {
  std::vector<int> numbers;
  const char* next = text.data();
  const char* const end = next + text.size();
  while (next < end) {
    int number = 0;
    next = std::from_chars(next, end, number).ptr;
    numbers.push_back(number);
    if (next < end) ++next;
  }
  return numbers;
}

}  // namespace pghaul::catalog
