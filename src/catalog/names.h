// Names as messages show them.
#pragma once

#include <string>
#include <string_view>

namespace pghaul::catalog {

// Quoted only where parse_table_name() would otherwise read something else. Not for SQL: keywords stay bare.
std::string display_name(std::string_view name);

}  // namespace pghaul::catalog
