// How large key ranges are planned, and what the plan says about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/planner.h"

namespace pghaul {
namespace {

using testing::HasSubstr;

// Of a table of 88 buckets with so many bytes.
Plan plan_of_buckets(std::int64_t bytes, const PlanOptions& options) {
  TableFacts facts;
  facts.bytes = bytes;
  facts.rows = 880'000;
  facts.key = KeyFacts{};
  facts.key->column = "id";
  facts.key->lowest = 1;
  facts.key->highest = 880'001;
  for (std::int64_t i = 0; i <= 88; ++i) facts.key->histogram.push_back(1 + 10'000 * i);
  return make_plan(facts, options, {std::nullopt, 880'001, false});
}

TEST(CoarseRanges, RangesAreFourBatchesLarge) {
  const Plan plan = plan_of_buckets(704'000'000, {});
  ASSERT_EQ(plan.chunks.size(), 23U);
  for (std::size_t i = 0; i < 22; ++i) {
    EXPECT_NEAR(static_cast<double>(plan.chunks[i].estimated_bytes), 32e6, 1e5);
    EXPECT_FALSE(plan.chunks[i].refined);
  }
  EXPECT_EQ(plan.reason,
            "integer key id: 22 ranges from 89 histogram bounds, about 32.0 MB each, cut to about 8.0 MB when claimed");
}

TEST(CoarseRanges, UpToFourBatchesAreOneRange) {
  const Plan batch = plan_of_buckets(8'000'000, {});
  ASSERT_EQ(batch.chunks.size(), 2U);
  EXPECT_EQ(describe(batch.chunks[0].range, "id"), "id < 880002");
  EXPECT_TRUE(batch.chunks[1].tail);
  EXPECT_EQ(batch.reason, "integer key id: 1 range from 89 histogram bounds, about 8.0 MB");
  const Plan above = plan_of_buckets(9'000'000, {});
  EXPECT_EQ(above.chunks.size(), 2U);
  EXPECT_EQ(above.reason,
            "integer key id: 1 range from 89 histogram bounds, about 9.0 MB, cut to about 4.5 MB when claimed");
  EXPECT_EQ(plan_of_buckets(32'000'000, {}).chunks.size(), 2U);
  EXPECT_EQ(plan_of_buckets(33'000'000, {}).chunks.size(), 3U);
}

TEST(CoarseRanges, RangesAreFourTimesTheRowsOfABatch) {
  PlanOptions options;
  options.batch_rows = 10'000;
  const Plan plan = plan_of_buckets(88'000'000, options);
  EXPECT_EQ(plan.chunks.size(), 23U);
  EXPECT_EQ(plan.chunks[0].estimated_rows, 40'000);
  EXPECT_THAT(plan.reason, HasSubstr("about 4.0 MB each, cut to about 1.0 MB when claimed"));
}

TEST(CoarseRanges, NeverMoreRangesThanBuckets) {
  const Plan plan = plan_of_buckets(88 * INT64_C(80'000'000), {});
  EXPECT_EQ(plan.chunks.size(), 89U);
  EXPECT_THAT(plan.reason, HasSubstr("88 ranges from 89 histogram bounds, about 80.0 MB each, cut to about 8.0 MB"));
}

}  // namespace
}  // namespace pghaul
