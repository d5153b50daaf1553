// Whether values of one type fit into another.
#pragma once

#include <string>

namespace pghaul::catalog {

// Types as format_type() prints them. True if every value of `from` keeps its meaning and precision in `to`; unknown
// pairs do not fit.
bool type_fits(const std::string& from, const std::string& to);

}  // namespace pghaul::catalog
