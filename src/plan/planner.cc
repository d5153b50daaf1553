#include "plan/planner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "pghaul/error.h"
#include "plan/key_ranges.h"
#include "plan/ordered_ranges.h"

namespace pghaul {

namespace {

// More rows in the ledger than this cost more than larger ranges do, and those are refined when claimed.
constexpr std::int64_t most_chunks = 100'000;

// Key ranges are coarse: an index probe cuts them into even pieces near the batch size when they are claimed. A range
// of one batch that holds fewer rows than the statistics say is never joined with its neighbour and stays a small
// batch; a range of four leaves one smaller piece at most.
constexpr std::int64_t batches_per_range = 4;

// Bytes of a row when nothing is known. Too small rather than too large: a probe then cuts too often, but no batch
// is far above its size.
constexpr std::int64_t assumed_row_bytes = 256;

constexpr int128 above_bigint = static_cast<int128>(INT64_MAX) + 1;

std::string megabytes(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

std::int64_t rounded(double value) {
  return value < 9e18 ? std::max<std::int64_t>(0, std::llround(value)) : INT64_MAX;
}

std::int64_t batches_in(double bytes, double rows, const PlanOptions& options) {
  double batches = bytes / static_cast<double>(std::max<std::int64_t>(1, options.batch_bytes));
  if (options.batch_rows) batches = std::max(batches, rows / static_cast<double>(*options.batch_rows));
  return std::clamp<std::int64_t>(rounded(std::ceil(batches)), 1, most_chunks);
}

// Of rows that have a key, or of those that have none.
struct Amount {
  double bytes = 0, rows = 0;
};

Amount amount_of(const TableFacts& facts, double share) {
  return {static_cast<double>(facts.bytes) * share, std::max(0.0, facts.rows) * share};
}

Chunk make_chunk(ChunkRange range, Amount amount) {
  Chunk chunk;
  chunk.range = std::move(range);
  chunk.estimated_bytes = rounded(amount.bytes);
  chunk.estimated_rows = rounded(amount.rows);
  return chunk;
}

std::optional<std::string> bound_text(int128 value, int128 open_from) {
  if (value >= open_from) return std::nullopt;
  return std::to_string(static_cast<std::int64_t>(value));
}

// What becomes of ranges above the batch size: even pieces, as many as batches are begun.
std::string cut_when_claimed(Amount range, const PlanOptions& options) {
  const std::int64_t bytes = rounded(range.bytes), rows = rounded(range.rows);  // no fraction begins a batch
  const auto pieces = batches_in(static_cast<double>(bytes), static_cast<double>(rows), options);
  if (pieces == 1) return "";
  return fmt::format(", cut to about {} when claimed", megabytes(range.bytes / static_cast<double>(pieces)));
}

// One run's cut of a table by its key.
class KeyPlanner {
 public:
  KeyPlanner(const TableFacts& facts, const PlanOptions& options, const PlanRange& range);
  Plan plan();

 private:
  bool gaining() const { return range_.gained_above.has_value(); }
  double keyed_share() const { return 1 - std::clamp(key_.null_fraction, 0.0, 1.0); }
  void add_main_ranges();
  void add_main_range(const KeySegment& segment);
  void add_tail();
  void add_null_rows();
  void add(Chunk chunk);
  std::string reason(std::size_t ranges, double share) const;

  const TableFacts& facts_;
  const KeyFacts& key_;
  const PlanOptions& options_;
  const PlanRange& range_;
  int128 first_, end_, above_type_;  // main ranges cover [first_, end_); no key of the type is >= above_type_
  Plan plan_;
};

KeyPlanner::KeyPlanner(const TableFacts& facts, const PlanOptions& options, const PlanRange& range)
    : facts_(facts), key_(*facts.key), options_(options), range_(range) {
  above_type_ = static_cast<int128>(key_.type_highest) + 1;
  first_ = gaining() ? static_cast<int128>(*range.gained_above) + 1 : static_cast<int128>(key_.type_lowest);
  // A mark below the last one (rows deleted, sequence set back) brings nothing new; what was gained stays gained.
  end_ = range.high_water ? std::max(first_, static_cast<int128>(*range.high_water) + 1) : first_;
}

void KeyPlanner::add(Chunk chunk) {
  chunk.replace = range_.replace || gaining();
  plan_.chunks.push_back(std::move(chunk));
}

void KeyPlanner::add_main_range(const KeySegment& segment) {
  ChunkRange range{ChunkKind::key, std::nullopt, bound_text(segment.upper, above_type_), std::nullopt};
  if (segment.lower != first_ || gaining()) range.lower = bound_text(segment.lower, above_bigint);
  add(make_chunk(std::move(range), amount_of(facts_, segment.share * keyed_share())));
}

void KeyPlanner::add_main_ranges() {
  plan_.reason = reason(0, 0);
  if (first_ >= end_) return;
  const std::vector<KeySegment> segments = cut_at_bounds(key_, first_, end_);
  double share = 0;
  for (const KeySegment& segment : segments) share += segment.share;
  const Amount amount = amount_of(facts_, share * keyed_share());
  const std::int64_t batches = batches_in(amount.bytes, amount.rows, options_);
  const std::int64_t wanted = (batches + batches_per_range - 1) / batches_per_range;
  const std::vector<KeySegment> merged = merge_segments(segments, share / static_cast<double>(wanted));
  for (const KeySegment& segment : merged) add_main_range(segment);
  plan_.reason = reason(merged.size(), share);
}

// What is written above the mark while we copy: the next run replaces it.
void KeyPlanner::add_tail() {
  if (end_ >= above_type_) return;
  ChunkRange range{ChunkKind::key, std::nullopt, std::nullopt, std::nullopt};
  if (range_.high_water || gaining()) range.lower = bound_text(end_, above_bigint);
  Chunk chunk = make_chunk(std::move(range), {});
  chunk.tail = true;
  add(std::move(chunk));
}

// New rows without a key cannot be told from old ones, so every run takes all of them.
void KeyPlanner::add_null_rows() {
  if (!key_.nullable) return;
  Chunk chunk = make_chunk({ChunkKind::null, std::nullopt, std::nullopt, std::nullopt},
                           amount_of(facts_, 1 - keyed_share()));
  chunk.refined = true;
  add(std::move(chunk));
}

std::string KeyPlanner::reason(std::size_t ranges, double share) const {
  if (ranges == 0) {
    return fmt::format("integer key {}: {}", key_.column,
                       gaining() ? "nothing below the high-water mark is new" : "no rows yet");
  }
  const Amount mean = amount_of(facts_, share * keyed_share() / static_cast<double>(ranges));
  const std::string size = megabytes(mean.bytes);
  const char* noun = ranges == 1 ? "range" : "ranges";
  if (key_.histogram.size() < 2) {
    return fmt::format("integer key {}: {} {} without a histogram, about {}, cut by probes when claimed",
                       key_.column, ranges, noun, size);
  }
  return fmt::format("integer key {}: {} {} from {} histogram bounds, about {}{}{}", key_.column, ranges, noun,
                     key_.histogram.size(), size, ranges == 1 ? "" : " each", cut_when_claimed(mean, options_));
}

Plan KeyPlanner::plan() {
  add_main_ranges();
  add_tail();
  add_null_rows();
  return std::move(plan_);
}

void refuse_replacing(const PlanRange& range, const char* ranges) {
  if (!range.replace && !range.gained_above) return;
  throw Error(ErrorKind::refused,
              fmt::format("{} of the source say nothing about rows that are on the target already", ranges))
      .advise("start anew with --full, or use --chunk-by key or whole");
}

Chunk ordered_chunk(const TableFacts& facts, const OrderedSegment& segment) {
  ChunkRange range{ChunkKind::key, std::nullopt, std::nullopt, std::nullopt};
  if (!segment.lower.empty()) range.lower = segment.lower;
  if (!segment.upper.empty()) range.upper = segment.upper;
  return make_chunk(std::move(range), amount_of(facts, segment.share));
}

// There is no high-water mark in an order of which only the source knows what comes next: no tail, and later runs find
// nothing new.
Plan plan_ordered(const TableFacts& facts, const PlanOptions& options, const PlanRange& range) {
  refuse_replacing(range, "ranges of a key that is no single integer");
  const auto& key = *facts.ordered_key;
  const Amount all = amount_of(facts, 1);
  const auto batches = batches_in(all.bytes, all.rows, options);
  const auto wanted = (batches + batches_per_range - 1) / batches_per_range;
  Plan plan;
  for (const auto& segment : cut_at_points(key, 1 / static_cast<double>(wanted))) {
    plan.chunks.push_back(ordered_chunk(facts, segment));
  }
  const auto ranges = plan.chunks.size();
  const Amount mean = amount_of(facts, 1 / static_cast<double>(ranges));
  const std::string cut = key.points.empty() ? ", cut by probes when claimed" : cut_when_claimed(mean, options);
  const std::string from =
      key.points.empty() ? "without statistics" : fmt::format("from {} known values", key.points.size());
  plan.reason = fmt::format("key {}: {} {} {}, about {}{}{}{}", key.name, ranges, ranges == 1 ? "range" : "ranges",
                            from, megabytes(mean.bytes), ranges == 1 ? "" : " each", cut, cost_of_order(key));
  return plan;
}

std::string why_whole(const TableFacts& facts, const PlanOptions& options) {
  if (options.chunk_by == ChunkBy::whole) return "asked for: the whole table";
  const auto all = megabytes(static_cast<double>(facts.bytes));
  if (facts.ordered_key) {
    return fmt::format("the key {} tells no new rows from old, and the table is small: all of {}", facts.ordered_key->name, all);
  }
  const auto* const why = facts.bytes <= options.batch_bytes ? "and small" : "and pages need one snapshot for all of them";
  return fmt::format("no usable key {}{}: all of {}", why, facts.no_key.empty() ? "" : fmt::format(" ({})", facts.no_key), all);
}

Plan plan_whole(const TableFacts& facts, const PlanOptions& options, const PlanRange& range) {
  Plan plan;
  Chunk chunk = make_chunk({}, amount_of(facts, 1));
  chunk.tail = chunk.refined = true;
  chunk.replace = range.replace || range.gained_above;
  plan.chunks.push_back(std::move(chunk));
  plan.reason = why_whole(facts, options) + " at once";
  return plan;
}

// Pages of one chunk. TOAST is spread evenly over the pages of the heap.
std::int64_t pages_per_chunk(const TableFacts& facts, const PlanOptions& options) {
  const auto pages = std::max<std::int64_t>(1, facts.pages);
  const auto bytes = static_cast<double>(facts.bytes) / static_cast<double>(pages);
  const auto rows = std::max(0.0, facts.rows) / static_cast<double>(pages);
  const auto batch = static_cast<double>(std::max<std::int64_t>(1, options.batch_bytes));
  double fit = bytes > 0 ? batch / bytes : static_cast<double>(pages);
  if (options.batch_rows && rows > 0) fit = std::min(fit, static_cast<double>(*options.batch_rows) / rows);
  const auto least = (pages + most_chunks - 1) / most_chunks;
  return std::max(least, static_cast<std::int64_t>(std::min(fit, static_cast<double>(pages))));
}

Plan plan_pages(const TableFacts& facts, const PlanOptions& options, const PlanRange& range) {
  refuse_replacing(range, "page ranges");
  Plan plan;
  const std::int64_t pages = std::max<std::int64_t>(1, facts.pages);
  const std::int64_t step = pages_per_chunk(facts, options);
  for (std::int64_t from = 0; from < pages; from += step) {
    const std::int64_t to = std::min(pages, from + step);
    const double share = static_cast<double>(to - from) / static_cast<double>(pages);
    // The last one is open: the table may have grown since its size was read.
    ChunkRange pages_range{ChunkKind::ctid, std::to_string(from), std::to_string(to), std::nullopt};
    if (to == pages) pages_range.upper.reset();
    Chunk chunk = make_chunk(std::move(pages_range), amount_of(facts, share));
    chunk.refined = true;
    plan.chunks.push_back(std::move(chunk));
  }
  const bool has_key = facts.key || facts.ordered_key;
  plan.reason = fmt::format("{}: {} page {} inside one snapshot{}", has_key ? "asked for" : "no usable key",
                            plan.chunks.size(), plan.chunks.size() == 1 ? "range" : "ranges",
                            has_key || facts.no_key.empty() ? "" : fmt::format(" ({})", facts.no_key));
  return plan;
}

ChunkBy decide(const TableFacts& facts, const PlanOptions& options, const PlanRange& range) {
  if (options.chunk_by == ChunkBy::key && !facts.key && !facts.ordered_key) {
    throw Error(ErrorKind::refused, "no key to cut by: no usable unique index")
        .advise("use --chunk-by auto, or create a primary key on the source");
  }
  if (options.chunk_by != ChunkBy::automatic) return options.chunk_by;
  if (facts.key) return ChunkBy::key;
  if (facts.bytes <= options.batch_bytes) return ChunkBy::whole;
  if (facts.ordered_key) return ChunkBy::key;
  return range.one_snapshot ? ChunkBy::ctid : ChunkBy::whole;
}

Plan cut(const TableFacts& facts, const PlanOptions& options, const PlanRange& range) {
  switch (decide(facts, options, range)) {
    case ChunkBy::key:
      if (!facts.key) return plan_ordered(facts, options, range);
      return KeyPlanner(facts, options, range).plan();
    case ChunkBy::ctid: return plan_pages(facts, options, range);
    case ChunkBy::whole:
    case ChunkBy::automatic: break;
  }
  return plan_whole(facts, options, range);
}

}  // namespace

std::int64_t rows_per_batch(std::int64_t bytes, double rows, const PlanOptions& options) {
  const bool known = bytes > 0 && rows > 0;
  const double row_bytes = known ? static_cast<double>(bytes) / rows : static_cast<double>(assumed_row_bytes);
  std::int64_t fit = rounded(static_cast<double>(options.batch_bytes) / row_bytes);
  if (options.batch_rows) fit = std::min(fit, *options.batch_rows);
  return std::max<std::int64_t>(1, fit);
}

Plan make_plan(const TableFacts& facts, const PlanOptions& options, const PlanRange& range) {
  Plan plan = cut(facts, options, range);
  plan.rows_per_batch = rows_per_batch(facts.bytes, facts.rows, options);
  return plan;
}

}  // namespace pghaul
