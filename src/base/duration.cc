#include "base/duration.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/quantity.h"

namespace pghaul {
namespace {

constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}}};

}  // namespace

Duration parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  return Duration(parse_quantity(text, "time", kUnits));
}

std::string format_duration(Duration span) {
  const auto ms = span.count();
  if (ms < 0) return "-" + format_duration(-std::max(span, -Duration::max()));
  // Limits are where rounding would carry: 59.96 s is 1 min 0 s.
  if (ms < 9'995) return fmt::format("{:.2f} s", static_cast<double>(ms) / 1000);
  if (ms < 59'950) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto seconds = ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  const auto minutes = (seconds + 30) / 60;
  return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

}  // namespace pghaul
