// How ranges of an ordered key are planned; used by planner.cc only.
#pragma once

#include <string>
#include <vector>

#include "plan/planner.h"

namespace pghaul {

// [lower, upper) of the key's order; empty: open.
struct OrderedSegment {
  std::string lower, upper;
  double share = 0;  // of the table's rows
};

// The order cut at as many known points as make pieces of about `largest_share`. Complete, whatever the
// points are, as long as they ascend; the first piece is open below, the last one above.
std::vector<OrderedSegment> cut_at_points(const OrderedKeyFacts& key, double largest_share);

// "; the table is not in its order …", or nothing: what reading by this key costs.
std::string cost_of_order(const OrderedKeyFacts& key);

}  // namespace pghaul
