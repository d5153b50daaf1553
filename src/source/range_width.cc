#include "source/range_width.h"

#include <algorithm>

#include "base/int128.h"

namespace pghaul {

RangeWidth::RangeWidth(std::uint64_t rows, std::uint64_t widest)
    : rows_(rows), widest_(widest), width_(std::min(rows, widest)) {}

RangeWidth::Next RangeWidth::next() const {
  const std::lock_guard lock(mutex_);
  return {width_, searching_};
}

// Several empty ranges of one width that arrive one after the other make it grow once. What lies in front of the first
// row is left out of the density: behind a gap of billions of ids the table may be dense.
void RangeWidth::loaded(std::uint64_t ids, std::uint64_t rows, std::uint64_t span) {
  const auto capped = [this](uint128 wanted) {
    return static_cast<std::uint64_t>(std::clamp<uint128>(wanted, 1, widest_));
  };
  const auto twice = capped(static_cast<uint128>(ids) * 2);
  const std::lock_guard lock(mutex_);
  searching_ = rows < rows_ / 2;
  if (rows == 0) {
    width_ = std::max(width_, twice);
    return;
  }
  const auto fitting = capped(static_cast<uint128>(span) * rows_ / rows);
  width_ = fitting < width_ ? fitting : std::max(width_, std::min(fitting, twice));
}

}  // namespace pghaul
