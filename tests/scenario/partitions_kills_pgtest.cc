// Copies of partitioned tables and inheritance trees that die: the next run completes them.
#include "scenario/partitions.h"

namespace pghaul::test {
namespace {

// With small batches of a chunk each: in the middle of a first copy, of a copy anew, and of a gain with late rows.
TEST_F(Partitions, A1_Kills) {
  make_all();
  for (const auto* place : {"plan.saved=kill9@4", "chunk.split=kill9@3", "chunk.marked=kill9@40", "chunk.after_commit=kill9@70"}) {
    target_sql("DROP SCHEMA IF EXISTS pghaul CASCADE; DROP TABLE IF EXISTS by_range, by_hash, by_levels, by_list, by_time, "
               "inherited");
    const auto result = copy(all_tables(), {{"PGHAUL_FAILPOINTS", place}});
    ASSERT_EQ(result.status, killed) << place << result;
    copied(all_tables());
    expect_all_same();
  }
  for (const auto& each : trees()) source_sql(fmt::format("DELETE FROM {} WHERE v LIKE '%3%'", each.name));
  ASSERT_EQ(copy(all_tables({"--full"}), {{"PGHAUL_FAILPOINTS", "chunk.marked=kill9@40"}}).status, killed);
  copied(all_tables());
  expect_all_same();
}

TEST_F(Partitions, A1_KillsWhileAGainIsTaken) {
  int rows = first_rows;
  for (const auto* name : {"public.by_hash", "public.inherited"}) {
    make(tree(name));
    source_sql(fmt::format("DELETE FROM {} WHERE id BETWEEN 500 AND 600", name));
    copied(one_table(tree(name)));
  }
  for (const auto* place : {"plan.saved", "range.emptied", "rows.merged", "chunk.before_commit", "chunk.after_commit"}) {
    for (const auto* name : {"public.by_hash", "public.inherited"}) {
      SCOPED_TRACE(fmt::format("{} {}", name, place));
      add(tree(name), rows + 1, rows + 300);
      source_sql(fmt::format("INSERT INTO {0} (id, v) SELECT max(id) + 1, 'late' FROM {0} WHERE id < 590", name));
      const auto gain = one_table(tree(name), {"--late-rows", "scan"});
      ASSERT_EQ(copy(gain, {{"PGHAUL_FAILPOINTS", fmt::format("{}=kill9", place)}}).status, killed);
      copied(gain);
      expect_same(name);
    }
    rows += 300;
  }
}

}  // namespace
}  // namespace pghaul::test
