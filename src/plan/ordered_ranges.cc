#include "plan/ordered_ranges.h"

#include <fmt/format.h>

#include <cmath>

namespace pghaul {

namespace {

// Below it most rows of a range are on pages that hold rows of many others.
constexpr double in_order = 0.5;

}  // namespace

std::vector<OrderedSegment> cut_at_points(const OrderedKeyFacts& key, double largest_share) {
  double all = 0;
  for (const auto& point : key.points) all += point.share;
  // A tenth more: else n equal buckets whose shares do not divide evenly leave a small rest at the end.
  const double limit = largest_share * 1.1;
  std::vector<OrderedSegment> segments{{}};
  for (std::size_t i = 0; i < key.points.size(); ++i) {
    const double share = all > 0 ? key.points[i].share / all : 0;
    // The first point is no cut: what lies below it is of no size that is known.
    if (i > 0 && segments.back().share > 0 && segments.back().share + share > limit) {
      segments.back().upper = key.points[i].bound;
      segments.push_back({key.points[i].bound, "", 0});
    }
    segments.back().share += share;
  }
  if (all <= 0) segments.back().share = 1;
  return segments;
}

std::string cost_of_order(const OrderedKeyFacts& key) {
  if (!key.correlation || std::abs(*key.correlation) >= in_order) return "";
  return fmt::format(
      "; the table is not in the order of this key (correlation {:.2f}): each range reads pages all over it. "
      "--chunk-by ctid "
      "reads each page once, and gives up that a copy that was interrupted goes on: without its snapshot it "
      "begins anew",
      *key.correlation);
}

}  // namespace pghaul
