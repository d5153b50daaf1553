#include "base/bytes.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/quantity.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

constexpr std::array<Unit, 10> kUnits{{{"", 1},
                                       {"B", 1},
                                       {"kB", 1'000},
                                       {"MB", 1'000'000},
                                       {"GB", 1'000'000'000},
                                       {"TB", 1'000'000'000'000},
                                       {"KiB", 1LL << 10},
                                       {"MiB", 1LL << 20},
                                       {"GiB", 1LL << 30},
                                       {"TiB", 1LL << 40}}};

}  // namespace

std::int64_t parse_bytes(std::string_view text) { return parse_quantity(text, "size", kUnits); }

std::int64_t parse_rate(std::string_view text) {
  if (!text.ends_with("/s")) {
    throw Error(ErrorKind::usage, fmt::format("'{}' is not a rate", text)).advise("write it as 50MB/s");
  }
  return parse_quantity(text.substr(0, text.size() - 2), "rate", kUnits);
}

std::string format_bytes(double bytes) {
  if (bytes < 0) return "-" + format_bytes(-bytes);
  if (bytes < 999.5) return fmt::format("{:.0f} B", bytes);
  // Limits are where rounding would print a fourth digit: 999.5 kB is 1.00 MB.
  std::string_view unit;
  for (const std::string_view next : {"kB", "MB", "GB", "TB", "PB"}) {
    bytes /= 1000;
    unit = next;
    if (bytes < 999.5) break;
  }
  return fmt::format("{:.{}f} {}", bytes, bytes < 9.995 ? 2 : bytes < 99.95 ? 1 : 0, unit);
}

}  // namespace pghaul
