// Times as people write them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace pghaul {

using Duration = std::chrono::milliseconds;

// "100ms", "60s", "10min", "2h"; a fraction is allowed ("1.5h"); "0" needs no unit. Errors: usage.
Duration parse_duration(std::string_view text);
// "0.25 s", "12.3 s", "4 min 10 s", "2 h 5 min".
std::string format_duration(Duration span);

}  // namespace pghaul
