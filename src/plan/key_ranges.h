// How key ranges are found; used by planner.cc only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/int128.h"
#include "plan/planner.h"

namespace pghaul {

// Keys [lower, upper) of one histogram bucket, or of several that were merged. 128 bits, as the key above the highest
// bigint must have a value here.
struct KeySegment {
  int128 lower = 0, upper = 0;
  double share = 0;  // of the table's rows that have a key
};

// [lower, upper) cut at all histogram bounds inside it. Rows are taken to lie evenly inside a bucket and, with the
// histogram's mean density, outside of it: good enough for an estimate, never used for a cut.
std::vector<KeySegment> cut_at_bounds(const KeyFacts& key, int128 lower, int128 upper);

// Neighbours joined while they stay within about `largest_share`.
std::vector<KeySegment> merge_segments(const std::vector<KeySegment>& segments, double largest_share);

}  // namespace pghaul
