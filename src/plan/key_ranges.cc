#include "plan/key_ranges.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pghaul {

namespace {

double width(int128 lower, int128 upper) { return upper > lower ? static_cast<double>(upper - lower) : 0.0; }

// Distinct bounds with the share of all rows that lies below each.
struct Distribution {
  std::vector<int128> bounds;
  std::vector<double> below;
  double density = 0;  // share per key, for keys outside the bounds

  double up_to(int128 key) const;
};

double Distribution::up_to(int128 key) const {
  if (bounds.empty()) return 0;
  // At most as many rows again as the histogram knows: one key far away must not make all others look like nothing.
  if (key <= bounds.front()) return -std::min(1.0, density * width(key, bounds.front()));
  if (key >= bounds.back()) return 1 + std::min(1.0, density * width(bounds.back(), key));
  const auto next = std::upper_bound(bounds.begin(), bounds.end(), key) - bounds.begin();
  const auto i = static_cast<std::size_t>(next) - 1;
  const double part = width(bounds[i], key) / width(bounds[i], bounds[i + 1]);
  return below[i] + part * (below[i + 1] - below[i]);
}

// A bound that repeats or steps back (a key has no such, statistics of another column might) keeps its share: it is
// given to the bucket before.
Distribution distribution_of(const std::vector<std::int64_t>& histogram) {
  Distribution result;
  const double buckets = histogram.empty() ? 0.0 : static_cast<double>(histogram.size() - 1);
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    const double share = buckets > 0 ? static_cast<double>(i) / buckets : 0.0;
    if (!result.bounds.empty() && histogram[i] <= result.bounds.back()) {
      result.below.back() = share;
    } else {
      result.bounds.push_back(histogram[i]);
      result.below.push_back(share);
    }
  }
  if (result.bounds.size() > 1) result.density = 1 / width(result.bounds.front(), result.bounds.back());
  return result;
}

// Without a histogram: evenly between the lowest and the highest key, again only for the estimate.
Distribution distribution_of(const KeyFacts& key) {
  if (key.histogram.size() > 1) return distribution_of(key.histogram);
  if (!key.lowest || !key.highest || *key.lowest >= *key.highest) return {};
  return distribution_of(std::vector<std::int64_t>{*key.lowest, *key.highest});
}

// Where rows can be: an open end reaches no further than the keys known to exist.
std::pair<int128, int128> populated(const KeyFacts& key, int128 lower, int128 upper) {
  if (key.lowest) lower = std::max<int128>(lower, *key.lowest);
  if (key.highest) upper = std::min<int128>(upper, static_cast<int128>(*key.highest) + 1);
  return {lower, std::max(lower, upper)};
}

double share_between(const Distribution& distribution, const KeyFacts& key, int128 lower, int128 upper) {
  const auto [from, to] = populated(key, lower, upper);
  if (from >= to) return 0;
  // One bound at most: nothing is known but that the rows are somewhere.
  if (distribution.bounds.size() < 2) return 1;
  return distribution.up_to(to) - distribution.up_to(from);
}

}  // namespace

std::vector<KeySegment> cut_at_bounds(const KeyFacts& key, int128 lower, int128 upper) {
  const Distribution distribution = distribution_of(key);
  std::vector<int128> cuts{lower};
  // The lowest and highest key are no cuts: they come from probes, and a range for one row is of no use.
  if (key.histogram.size() > 1) {
    std::copy_if(distribution.bounds.begin(), distribution.bounds.end(), std::back_inserter(cuts),
                 [&](int128 bound) { return bound > lower && bound < upper; });
  }
  cuts.push_back(upper);
  // A histogram older than the table's ends covers more or less than all of it.
  const double all = share_between(distribution, key, INT64_MIN, static_cast<int128>(INT64_MAX) + 1);
  std::vector<KeySegment> segments;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const double share = share_between(distribution, key, cuts[i], cuts[i + 1]);
    segments.push_back({cuts[i], cuts[i + 1], all > 0 ? std::clamp(share / all, 0.0, 1.0) : 0.0});
  }
  return segments;
}

std::vector<KeySegment> merge_segments(const std::vector<KeySegment>& segments, double largest_share) {
  // A tenth more: else n equal buckets whose shares do not divide evenly leave a small rest at the end.
  const double limit = largest_share * 1.1;
  const double next_to_nothing = largest_share / 100;
  std::vector<KeySegment> merged;
  for (const KeySegment& segment : segments) {
    const bool small = !merged.empty() && std::min(merged.back().share, segment.share) <= next_to_nothing;
    if (!merged.empty() && (small || merged.back().share + segment.share <= limit)) {
      merged.back().upper = segment.upper;
      merged.back().share += segment.share;
    } else {
      merged.push_back(segment);
    }
  }
  return merged;
}

}  // namespace pghaul
