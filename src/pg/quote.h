// The only functions that quote for SQL. Replication commands need others.
#pragma once

#include <string>
#include <string_view>

namespace pghaul::pg {

// Always in double quotes. Errors: failed, if the name holds a NUL or is empty.
std::string quote_identifier(std::string_view name);
// "schema"."name".
std::string quote_qualified(std::string_view schema, std::string_view name);
// 'text', or E'…' if it holds a backslash; right for every standard_conforming_strings. Errors: failed, for NUL.
std::string quote_literal(std::string_view text);

}  // namespace pghaul::pg
