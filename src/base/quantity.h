// Numbers with a unit, as people write them; what bytes.h and duration.h share.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pghaul {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// "1.5GB" as 1.5 times the factor of "GB", rounded down. The unit stands directly behind the number and is spelled as
// in `units`, of which an empty name allows a bare number. Errors: usage, naming `what` and the units.
std::int64_t parse_quantity(std::string_view text, std::string_view what, std::span<const Unit> units);

}  // namespace pghaul
