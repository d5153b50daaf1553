/// @file
/// Rows as a user's Database gives and takes them.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pghaul {

/// A column's value in its text form, as PostgreSQL prints it; nothing is NULL. May hold any bytes, NUL included.
using Value = std::optional<std::string>;

/// The values of one row, in the order of the table's columns. All rows of a table are of the same width.
using Row = std::vector<Value>;

}  // namespace pghaul
