// Comparisons of partitioned tables without a key: partition by partition, or as a whole.
#include "scenario/verify_partitions.h"

namespace pghaul::test {
namespace {

using VerifyLeaves = VerifyPartitions;

TEST_F(VerifyLeaves, WithoutAKeyPartitionByPartition) {
  const auto strategy = compare(table(keyless, by_month + rest), table(keyless, by_month + rest), 3);
  EXPECT_THAT(strategy, HasSubstr("partition by partition"));
  EXPECT_THAT(strategy, HasSubstr("3 on both sides alike"));
}

// Rows of February are in the default partition there.
TEST_F(VerifyLeaves, WithoutAKeyTheOthersAsAWhole) {
  const std::string january = by_month.substr(0, by_month.find(';') + 1);
  const auto strategy = compare(table(keyless, by_month + rest), table(keyless, january + rest), 2);
  EXPECT_THAT(strategy, HasSubstr("1 on both sides alike; 2 on the source and 1 on the target as a whole"));
}

TEST_F(VerifyLeaves, WithoutAKeyAPartitionOnOneSideOnly) {
  both_sql(table(keyless, by_month + rest));
  fill();
  target_sql("DROP TABLE february");
  // What the default partition may have is not the same any more: January alone is.
  const auto found = verified(1, {"--limit", "5000"});
  EXPECT_THAT(found["strategy"].get<std::string>(), HasSubstr("1 on both sides alike"));
  EXPECT_EQ(found["differences"], 2800);
  EXPECT_EQ(found["source_rows"], 10'000);
  EXPECT_EQ(found["target_rows"], 7'200);
}

TEST_F(VerifyLeaves, WithoutAKeyAndNothingAlike) {
  const auto strategy = compare(table(keyless, by_month + rest), table(keyless, by_hash, "HASH (id)"), 1);
  EXPECT_THAT(strategy, HasSubstr("as a whole"));
  EXPECT_THAT(strategy, HasSubstr("no partition is alike on both sides"));
}

TEST_F(VerifyLeaves, WithoutAKeyAndAPlainTarget) {
  EXPECT_THAT(compare(table(keyless, by_month + rest), plain(keyless), 1), HasSubstr("as a whole"));
}

TEST_F(VerifyLeaves, Deeper) {
  const std::string below =
      "CREATE TABLE january PARTITION OF profiles FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE february PARTITION OF profiles DEFAULT PARTITION BY HASH (id);"
      "CREATE TABLE february_0 PARTITION OF february FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE february_1 PARTITION OF february FOR VALUES WITH (MODULUS 2, REMAINDER 1);";
  EXPECT_THAT(compare(table(keyless, below), table(keyless, below), same_version() ? 3 : 2),
              HasSubstr("partition by partition"));
}

// Of a role that may read the table, but not its partitions by themselves.
TEST_F(VerifyLeaves, RightsOnTheRootWillDo) {
  both_sql(table(keyless, by_month + rest));
  fill();
  const auto role = database().substr(0, 40) + "_reader";
  both_sql("CREATE ROLE " + role + " LOGIN; GRANT SELECT ON profiles TO " + role);
  const auto result =
      run_pghaul({"verify", "--source", source_server().conninfo(database(), role), "--target",
                  target_server().conninfo(database(), role), "--table", profiles});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, HasSubstr("as a whole"));
}

TEST_F(VerifyLeaves, WhereAndColumnsAndCounts) {
  both_sql(table(keyless, by_month + rest));
  fill();
  change();
  EXPECT_EQ(verified(0, {"--where", "id BETWEEN 100 AND 5000"})["source_rows"], 4901);
  EXPECT_EQ(verified(1, {"--columns", "id"})["differences"], 2);
  const auto counts = verified(1, {"--counts"});
  ASSERT_EQ(counts["ranges"].size(), 2) << counts;
  EXPECT_EQ(counts["ranges"][0]["range"], "all rows of public.february");
}

}  // namespace
}  // namespace pghaul::test
