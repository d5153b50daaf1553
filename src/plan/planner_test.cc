#include "plan/planner.h"

#include <algorithm>
#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/int128.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

using testing::HasSubstr;

constexpr std::int64_t lowest_bigint = INT64_MIN;
constexpr std::int64_t highest_bigint = INT64_MAX;

TableFacts table(std::int64_t bytes, double rows) {
  TableFacts facts;
  facts.bytes = bytes;
  facts.rows = rows;
  facts.pages = bytes / 8192;
  return facts;
}

TableFacts keyed_table(std::int64_t bytes, double rows, std::int64_t lowest, std::int64_t highest,
                       std::vector<std::int64_t> histogram = {}) {
  TableFacts facts = table(bytes, rows);
  facts.key = KeyFacts{};
  facts.key->column = "id";
  facts.key->lowest = lowest;
  facts.key->highest = highest;
  facts.key->histogram = std::move(histogram);
  return facts;
}

std::vector<std::int64_t> even_bounds(std::int64_t from, std::int64_t step, int buckets) {
  std::vector<std::int64_t> bounds;
  for (int i = 0; i <= buckets; ++i) bounds.push_back(from + step * i);
  return bounds;
}

PlanOptions batches_of(std::int64_t bytes) {
  PlanOptions options;
  options.batch_bytes = bytes;
  return options;
}
// Coarse ranges are four batches large.
PlanOptions ranges_of(std::int64_t bytes) { return batches_of(bytes / 4); }
PlanOptions by(ChunkBy chunk_by) {
  PlanOptions options;
  options.chunk_by = chunk_by;
  return options;
}

PlanRange first_run(std::optional<std::int64_t> high_water) { return {std::nullopt, high_water, false}; }
PlanRange gain(std::int64_t above, std::int64_t high_water) { return {above, high_water, false}; }

bool holds(const Chunk& chunk, std::int64_t key) {
  if (chunk.range.kind != ChunkKind::key) return false;
  if (chunk.range.lower && key < std::stoll(*chunk.range.lower)) return false;
  return !chunk.range.upper || key < std::stoll(*chunk.range.upper);
}

int chunks_with(const Plan& plan, std::int64_t key) {
  return static_cast<int>(std::count_if(plan.chunks.begin(), plan.chunks.end(),
                                        [key](const Chunk& chunk) { return holds(chunk, key); }));
}

// Every bound of the plan and its neighbours, and the ends of the type.
std::vector<std::int64_t> probes_of(const Plan& plan) {
  std::vector<std::int64_t> probes{lowest_bigint, lowest_bigint + 1, -1, 0, 1, highest_bigint - 1, highest_bigint};
  for (const Chunk& chunk : plan.chunks) {
    for (const auto& bound : {chunk.range.lower, chunk.range.upper}) {
      if (!bound) continue;
      const std::int64_t value = std::stoll(*bound);
      probes.push_back(value);
      if (value != lowest_bigint) probes.push_back(value - 1);
      if (value != highest_bigint) probes.push_back(value + 1);
    }
  }
  return probes;
}

void expect_complete(const Plan& plan) {
  for (const std::int64_t key : probes_of(plan)) EXPECT_EQ(chunks_with(plan, key), 1) << key << "; " << plan.reason;
}

std::vector<std::string> described(const Plan& plan) {
  std::vector<std::string> lines;
  for (const Chunk& chunk : plan.chunks) lines.push_back(describe(chunk.range, "id"));
  return lines;
}

TEST(PlanByKey, SmallTableIsOneRangeAndATail) {
  const Plan plan = make_plan(keyed_table(100'000, 10, 1, 10), {}, first_run(10));
  EXPECT_EQ(described(plan), (std::vector<std::string>{"id < 11", "id >= 11"}));
  EXPECT_FALSE(plan.chunks[0].tail);
  EXPECT_TRUE(plan.chunks[1].tail);
  EXPECT_EQ(plan.chunks[0].estimated_bytes, 100'000);
  EXPECT_EQ(plan.chunks[0].estimated_rows, 10);
  EXPECT_EQ(plan.chunks[1].estimated_bytes, 0);
  EXPECT_FALSE(plan.chunks[0].replace || plan.chunks[1].replace);
}

TEST(PlanByKey, EmptyTableIsATailOpenAtBothEnds) {
  TableFacts facts = table(0, 0);
  facts.key = KeyFacts{};
  facts.key->column = "id";
  const Plan plan = make_plan(facts, {}, first_run(std::nullopt));
  EXPECT_EQ(described(plan), (std::vector<std::string>{"every id"}));
  EXPECT_TRUE(plan.chunks[0].tail);
  expect_complete(plan);
}

TEST(PlanByKey, OneRow) {
  const Plan plan = make_plan(keyed_table(8192, 1, 42, 42), {}, first_run(42));
  EXPECT_EQ(described(plan), (std::vector<std::string>{"id < 43", "id >= 43"}));
  EXPECT_EQ(plan.chunks[0].estimated_rows, 1);
}

TEST(PlanByKey, MergesWholeBuckets) {
  // 100 buckets of 4 MB, ranges of 8 MB: two buckets each, the bound at either end of the table being no cut.
  const auto facts = keyed_table(400'000'000, 1'000'000, 1, 1'000'001, even_bounds(1, 10'000, 100));
  const Plan plan = make_plan(facts, ranges_of(8'000'000), first_run(1'000'001));
  ASSERT_EQ(plan.chunks.size(), 51U);
  EXPECT_EQ(describe(plan.chunks[0].range, "id"), "id < 20001");
  EXPECT_EQ(describe(plan.chunks[1].range, "id"), "id in [20001, 40001)");
  EXPECT_EQ(describe(plan.chunks[49].range, "id"), "id in [980001, 1000002)");
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_NEAR(static_cast<double>(plan.chunks[i].estimated_bytes), 8e6, 1e5);
    EXPECT_FALSE(plan.chunks[i].refined);
  }
  EXPECT_EQ(plan.reason,
            "integer key id: 50 ranges from 101 histogram bounds, about 8.0 MB each, cut to about 2.0 MB when claimed");
  expect_complete(plan);
}

TEST(PlanByKey, NeverCutsInsideABucket) {
  const auto bounds = even_bounds(1, 1'000'000, 10);
  const Plan plan = make_plan(keyed_table(8'000'000'000, 1e7, 1, 10'000'001, bounds), {}, first_run(10'000'001));
  EXPECT_EQ(plan.chunks.size(), 11U);
  for (const Chunk& chunk : plan.chunks) {
    if (chunk.range.lower && !chunk.tail) {
      EXPECT_TRUE(std::binary_search(bounds.begin(), bounds.end(), std::stoll(*chunk.range.lower)));
    }
  }
}

TEST(PlanByKey, WithoutHistogramOneRange) {
  const Plan plan = make_plan(keyed_table(700'000'000, -1, 1, 1'000'000'000), {}, first_run(1'000'000'000));
  EXPECT_EQ(plan.chunks.size(), 2U);
  EXPECT_FALSE(plan.chunks[0].refined);
  EXPECT_EQ(plan.chunks[0].estimated_bytes, 700'000'000);
  EXPECT_THAT(plan.reason, HasSubstr("without a histogram"));
}

TEST(PlanByKey, GapsOf1e18DoNotMatter) {
  std::vector<std::int64_t> bounds;
  for (std::int64_t island = -9; island <= 9; ++island) {
    for (std::int64_t i = 0; i < 10; ++i) bounds.push_back(island * 1'000'000'000'000'000'000 + i * 1000);
  }
  const auto facts = keyed_table(190'000'000, 190'000, bounds.front(), bounds.back(), bounds);
  const Plan plan = make_plan(facts, ranges_of(10'000'000), first_run(bounds.back()));
  EXPECT_GE(plan.chunks.size(), 19U);
  EXPECT_LE(plan.chunks.size(), 24U);
  for (const Chunk& chunk : plan.chunks) EXPECT_LE(chunk.estimated_bytes, 11'100'000);
  expect_complete(plan);
}

TEST(PlanByKey, EndsOfBigint) {
  const std::vector<std::int64_t> bounds{lowest_bigint, lowest_bigint + 1, 0, highest_bigint - 1, highest_bigint};
  const auto facts = keyed_table(100'000'000, 4, lowest_bigint, highest_bigint, bounds);
  const Plan plan = make_plan(facts, {}, first_run(highest_bigint));
  EXPECT_FALSE(plan.chunks.front().range.lower);
  EXPECT_FALSE(plan.chunks.back().range.upper) << "no key lies above";
  EXPECT_FALSE(plan.chunks.back().tail);
  expect_complete(plan);
  EXPECT_EQ(described(make_plan(facts, {}, gain(highest_bigint, highest_bigint))), std::vector<std::string>{});
}

TEST(PlanByKey, HighWaterMarkJustBelowTheEnd) {
  const Plan plan = make_plan(keyed_table(8192, 2, 1, 5), {}, first_run(highest_bigint - 1));
  EXPECT_EQ(described(plan), (std::vector<std::string>{"id < 9223372036854775807", "id >= 9223372036854775807"}));
  expect_complete(plan);
}

TEST(PlanByKey, HighestValueOfSmallintEndsThePlan) {
  TableFacts facts = keyed_table(8192, 2, 1, 32767);
  facts.key->type_lowest = -32768;
  facts.key->type_highest = 32767;
  EXPECT_EQ(described(make_plan(facts, {}, first_run(32767))), (std::vector<std::string>{"every id"}));
  // A bigint sequence may run ahead of a smallint column.
  EXPECT_EQ(described(make_plan(facts, {}, first_run(40000))), (std::vector<std::string>{"every id"}));
}

TEST(PlanByKey, NegativeIds) {
  const auto facts = keyed_table(80'000'000, 1e6, -1'000'000, -1, even_bounds(-1'000'000, 10'000, 99));
  const Plan plan = make_plan(facts, ranges_of(8'000'000), first_run(-1));
  EXPECT_GE(plan.chunks.size(), 11U);
  EXPECT_EQ(describe(plan.chunks.back().range, "id"), "id >= 0");
  expect_complete(plan);
}

TEST(PlanByKey, DuplicatedBounds) {
  const Plan plan = make_plan(keyed_table(80'000'000, 1e6, 1, 40, {1, 10, 10, 10, 20, 20, 40}), {}, first_run(40));
  expect_complete(plan);
  std::int64_t bytes = 0;
  for (const Chunk& chunk : plan.chunks) bytes += chunk.estimated_bytes;
  EXPECT_NEAR(static_cast<double>(bytes), 80e6, 10);
}

TEST(PlanByKey, RowsBeyondAStaleHistogramGetARangeOfTheirOwn) {
  const auto facts = keyed_table(160'000'000, 2e6, 1, 2'000'000, even_bounds(1, 10'000, 100));
  const Plan plan = make_plan(facts, {}, first_run(2'000'000));
  const auto beyond = std::find_if(plan.chunks.begin(), plan.chunks.end(),
                                   [](const Chunk& chunk) { return chunk.range.lower == "1000001"; });
  ASSERT_NE(beyond, plan.chunks.end());
  EXPECT_NEAR(static_cast<double>(beyond->estimated_bytes), 80e6, 1e6);
  expect_complete(plan);
}

TEST(PlanByKey, HistogramOutsideOfTheTable) {
  const auto below = keyed_table(160'000'000, 2e6, 500, 600, even_bounds(1'000, 10, 100));
  expect_complete(make_plan(below, {}, first_run(600)));
  const auto above = keyed_table(160'000'000, 2e6, 5000, 6000, even_bounds(1, 10, 100));
  expect_complete(make_plan(above, {}, first_run(6000)));
}

TEST(PlanByKey, OneKeyFarAwayDoesNotHideTheRest) {
  const auto facts = keyed_table(800'000'000, 1e6, 1, highest_bigint - 5, even_bounds(1, 10'000, 100));
  EXPECT_GE(make_plan(facts, ranges_of(8'000'000), first_run(highest_bigint - 5)).chunks.size(), 40U);
}

TEST(PlanByKey, NullableColumnGetsANullChunk) {
  TableFacts facts = keyed_table(100'000, 1000, 1, 10);
  facts.key->nullable = true;
  facts.key->null_fraction = 0.25;
  const Plan plan = make_plan(facts, {}, first_run(10));
  EXPECT_EQ(described(plan), (std::vector<std::string>{"id < 11", "id >= 11", "id is null"}));
  EXPECT_EQ(plan.chunks[0].estimated_rows, 750);
  EXPECT_EQ(plan.chunks[2].estimated_rows, 250);
  EXPECT_FALSE(plan.chunks[2].replace);
  EXPECT_TRUE(plan.chunks[2].refined);
}

TEST(PlanByKey, GainReplacesWhatLiesAbove) {
  TableFacts facts = keyed_table(100'000, 1000, 1, 20);
  facts.key->nullable = true;
  const Plan plan = make_plan(facts, {}, gain(10, 20));
  EXPECT_EQ(described(plan), (std::vector<std::string>{"id in [11, 21)", "id >= 21", "id is null"}));
  EXPECT_TRUE(std::all_of(plan.chunks.begin(), plan.chunks.end(), [](const Chunk& chunk) { return chunk.replace; }));
  EXPECT_NEAR(static_cast<double>(plan.chunks[0].estimated_rows), 500, 30);
}

TEST(PlanByKey, GainOfNothingIsTheTailAlone) {
  const auto facts = keyed_table(100'000, 1000, 1, 10);
  EXPECT_EQ(described(make_plan(facts, {}, gain(10, 10))), (std::vector<std::string>{"id >= 11"}));
  // The mark never moves back: neither after deletes nor in a table that was emptied.
  EXPECT_EQ(described(make_plan(facts, {}, gain(10, 7))), (std::vector<std::string>{"id >= 11"}));
  EXPECT_EQ(described(make_plan(facts, {}, {10, std::nullopt, false})), (std::vector<std::string>{"id >= 11"}));
}

TEST(PlanByKey, GainIsCutAtBoundsAboveTheMarkOnly) {
  const auto facts = keyed_table(800'000'000, 1e6, 1, 1'000'001, even_bounds(1, 10'000, 100));
  const Plan plan = make_plan(facts, ranges_of(8'000'000), gain(795'000, 1'000'001));
  EXPECT_EQ(describe(plan.chunks[0].range, "id"), "id in [795001, 800001)");
  EXPECT_EQ(plan.chunks.size(), 22U);
}

TEST(PlanByKey, ReplaceIsPassedOn) {
  const Plan plan = make_plan(keyed_table(100'000, 10, 1, 10), {}, {std::nullopt, 10, true});
  EXPECT_TRUE(plan.chunks[0].replace && plan.chunks[1].replace);
}

TEST(PlanByKey, ThousandMillionIdsWithinASecond) {
  const auto started = std::chrono::steady_clock::now();
  const auto facts = keyed_table(4'000'000'000'000, 1e9, 1, 3'000'000'000, even_bounds(1, 300'000, 10'000));
  const Plan plan = make_plan(facts, batches_of(1'000'000), first_run(3'000'000'000));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(1));
  EXPECT_EQ(plan.chunks.size(), 10'001U);
}

TEST(PlanByKey, EveryKeyIsInExactlyOneChunk) {
  std::mt19937_64 random(20240611);
  const auto any = [&] { return static_cast<std::int64_t>(random() >> (random() % 64)) * (random() % 2 ? 1 : -1); };
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    std::vector<std::int64_t> bounds(random() % 40);
    std::generate(bounds.begin(), bounds.end(), any);
    if (round % 3 != 0) std::sort(bounds.begin(), bounds.end());
    const auto [low, high] = std::minmax({any(), any()});
    TableFacts facts = keyed_table(static_cast<std::int64_t>(random() % 1'000'000'000), -1, low, high, bounds);
    const Plan plan = make_plan(facts, {}, first_run(round % 5 == 0 ? any() : high));
    expect_complete(plan);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(chunks_with(plan, any()), 1);
  }
}

TEST(PlanByKey, EveryGainedKeyIsInExactlyOneChunk) {
  std::mt19937_64 random(7);
  const auto any = [&] { return static_cast<std::int64_t>(random()) >> (random() % 64); };
  for (int round = 0; round < 500; ++round) {
    std::vector<std::int64_t> bounds(random() % 40);
    std::generate(bounds.begin(), bounds.end(), any);
    std::sort(bounds.begin(), bounds.end());
    const auto [above, high] = std::minmax({any(), any()});
    const Plan plan = make_plan(keyed_table(1'000'000'000, 1e6, above, high, bounds), {}, gain(above, high));
    for (const std::int64_t key : probes_of(plan)) EXPECT_EQ(chunks_with(plan, key), key > above ? 1 : 0) << key;
  }
}

TEST(PlanByPages, RangesOfAboutABatchAndAnOpenEnd) {
  const Plan plan = make_plan(table(704'000'000, 1e6), {}, {});
  ASSERT_EQ(plan.chunks.size(), 89U);  // 85,937 pages of 8,192 bytes, 976 pages each
  EXPECT_EQ(describe(plan.chunks[0].range, ""), "pages [0, 976)");
  EXPECT_EQ(describe(plan.chunks[1].range, ""), "pages [976, 1952)");
  EXPECT_EQ(describe(plan.chunks.back().range, ""), "pages from 85888");
  EXPECT_EQ(plan.reason, "no usable key: 89 page ranges inside one snapshot");
  for (const Chunk& chunk : plan.chunks) EXPECT_TRUE(chunk.refined);
}

// An update in between may move a row to a page that was read before, or is read later.
TEST(PlanByPages, NotWithASnapshotForEachChunk) {
  PlanRange range;
  range.one_snapshot = false;
  const Plan plan = make_plan(table(704'000'000, 1e6), {}, range);
  ASSERT_EQ(plan.chunks.size(), 1U);
  EXPECT_EQ(describe(plan.chunks[0].range, ""), "all rows");
  EXPECT_EQ(plan.reason, "no usable key and pages need one snapshot for all of them: all of 704.0 MB at once");
  EXPECT_EQ(make_plan(keyed_table(81'920'000, 1e6, 1, 10), {}, range).chunks[0].range.kind, ChunkKind::key);
}

TEST(PlanByPages, ToastCounts) {
  TableFacts facts = table(800'000'000, 1e6);
  facts.pages = 1000;  // 800 kB behind each page
  EXPECT_EQ(describe(make_plan(facts, {}, {}).chunks[0].range, ""), "pages [0, 10)");
  facts.pages = 10;  // 80 MB behind each page
  EXPECT_EQ(make_plan(facts, {}, {}).chunks.size(), 10U);
}

TEST(PlanByPages, CountIsLimited) {
  const Plan plan = make_plan(table(INT64_C(40'000'000'000'000), 1e9), batches_of(8192), {});
  EXPECT_LE(plan.chunks.size(), 100'000U);
  EXPECT_GT(plan.chunks.size(), 90'000U);
}

TEST(PlanByPages, RowsLimitTheRange) {
  PlanOptions options;
  options.batch_rows = 1000;
  TableFacts facts = table(81'920'000, 1e6);  // 10,000 pages of 100 rows
  EXPECT_EQ(describe(make_plan(facts, options, {}).chunks[0].range, ""), "pages [0, 10)");
}

TEST(PlanByPages, MayBeAskedForAlthoughThereIsAKey) {
  const Plan plan =
      make_plan(keyed_table(81'920'000, 1e6, 1, 10), by(ChunkBy::ctid), first_run(10));
  EXPECT_EQ(plan.chunks[0].range.kind, ChunkKind::ctid);
  EXPECT_THAT(plan.reason, HasSubstr("asked for: 11 page ranges"));
}

TEST(PlanByPages, CannotReplaceRows) {
  const TableFacts facts = table(81'920'000, 1e6);
  EXPECT_THROW(make_plan(facts, {}, {std::nullopt, std::nullopt, true}), Error);
  EXPECT_THROW(make_plan(facts, by(ChunkBy::ctid), gain(1, 2)), Error);
}

TEST(PlanWhole, SmallTableWithoutKey) {
  const Plan plan = make_plan(table(100'000, 10), {}, {std::nullopt, std::nullopt, true});
  ASSERT_EQ(plan.chunks.size(), 1U);
  EXPECT_EQ(describe(plan.chunks[0].range, ""), "all rows");
  EXPECT_TRUE(plan.chunks[0].tail && plan.chunks[0].replace);
  EXPECT_FALSE(make_plan(table(100'000, 10), {}, {}).chunks[0].replace);
}

TEST(PlanWhole, AskedFor) {
  const auto facts = keyed_table(800'000'000, 1e6, 1, 10);
  EXPECT_EQ(make_plan(facts, by(ChunkBy::whole), first_run(10)).chunks.size(), 1U);
}

TEST(Plan, KeyAskedForButMissingIsRefused) {
  try {
    make_plan(table(100'000, 10), by(ChunkBy::key), {});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.what(), HasSubstr("no key to cut by"));
    EXPECT_FALSE(error.advice().empty());
  }
}

TEST(RowsPerBatch, FromBytesAndRows) {
  PlanOptions options;
  options.batch_rows = 500;
  EXPECT_EQ(rows_per_batch(800'000'000, 1e6, {}), 10'000);
  EXPECT_EQ(rows_per_batch(800'000'000, 1, {}), 1);
  EXPECT_EQ(rows_per_batch(800'000'000, 1e6, options), 500);
  EXPECT_EQ(rows_per_batch(0, -1, {}), 31'250) << "unknown rows are taken to have 256 bytes";
}

}  // namespace
}  // namespace pghaul
