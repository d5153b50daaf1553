// Comparisons of partitions that are stopped, or meanwhile changed.
#include "scenario/verify_partitions.h"

namespace pghaul::test {
namespace {

using VerifyLeavesChanges = VerifyPartitions;

TEST_F(VerifyLeavesChanges, GoesOnPartitionByPartition) {
  both_sql(table(keyless, by_month + rest));
  fill();
  change();
  const auto file = testing::TempDir() + "pghaul_verify_" + std::to_string(::getpid());
  const Arguments kept{"--state", file, "--readers", "1", "--writers", "1"};
  auto slow = kept;
  slow.insert(slow.end(), {"--sleep", "3s", "--timeout", "2s"});
  EXPECT_EQ(verify(slow).status, 4);
  const auto found = verified(1, kept);
  EXPECT_GT(found["chunks_before"], 0);
  EXPECT_EQ(found["chunks"], 3);
  EXPECT_EQ(found["differences"], 4);
  EXPECT_EQ(verify(slow).status, 4);
  target_sql("ALTER TABLE profiles DETACH PARTITION february");
  const auto other = verify(kept);
  EXPECT_EQ(other.status, 3) << other;
  EXPECT_THAT(other.err, HasSubstr("this file is of another comparison"));
  ::unlink(file.c_str());
}

TEST_F(VerifyLeavesChanges, APartitionThatGoesMeanwhile) {
  both_sql(table(keyless, by_month + rest));
  fill();
  auto running = start_pghaul(
      command("verify", {"--readers", "1", "--writers", "1", "--sleep", "2s", "--settle", "1ms"}));
  ASSERT_TRUE(wait_until([&] { return sessions_left() > 2; }));
  target_sql("DROP TABLE later");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("target: public.profiles: all rows of public.later: public.later was "
                                    "detached, dropped or renamed"));
  EXPECT_THAT(result.err, HasSubstr("nothing is written anywhere"));
}

// Nobody looks for its rows, so nothing is said to be equal.
TEST_F(VerifyLeavesChanges, APartitionThatComesMeanwhile) {
  both_sql(table(keyless, by_month));
  both_sql(
      "INSERT INTO profiles SELECT g, '2026-01-01'::date + g % 50 FROM generate_series(1, 1000) g; ANALYZE");
  auto running = start_pghaul(
      command("verify", {"--readers", "1", "--writers", "1", "--sleep", "2s", "--settle", "1ms"}));
  ASSERT_TRUE(wait_until([&] { return sessions_left() > 2; }));
  both_sql("CREATE TABLE march PARTITION OF profiles FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')");
  source_sql("INSERT INTO profiles VALUES (-1, '2026-03-01')");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("partitions were attached or detached while the table was compared"));
  EXPECT_EQ(verified(1)["differences"], 1);
}

}  // namespace
}  // namespace pghaul::test
