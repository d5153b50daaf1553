// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pghaul {

// "8MB" (1000), "8MiB" (1024), kB MB GB TB and KiB MiB GiB TiB, "B" or nothing for bytes; a fraction is allowed
// ("1.5GB"). Errors: usage, for an unknown or wrongly written unit, a negative or overflowing size.
std::int64_t parse_bytes(std::string_view text);
// "50MB/s" as bytes per second; the "/s" is required.
std::int64_t parse_rate(std::string_view text);
// At most four digits: "8.39 MB", "700 MB", "12 B".
std::string format_bytes(double bytes);

}  // namespace pghaul
