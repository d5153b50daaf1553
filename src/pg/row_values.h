// Keeps rows out of messages. Private to this folder.
#pragma once

#include <string>
#include <string_view>

namespace pghaul::pg {

// The server's primary message without the values that it may quote, in whatever language: those of data
// exceptions (class 22) and the text that a function of the users raises (class P0). Other messages name
// objects only. Of a character that cannot be encoded, its bytes stay.
std::string without_row_values(std::string_view sqlstate, std::string_view message);

}  // namespace pghaul::pg
