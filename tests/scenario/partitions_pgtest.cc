// Partitioned tables and inheritance trees as sources.
#include "scenario/partitions.h"

namespace pghaul::test {
namespace {

TEST_F(Partitions, G7_EveryKindArrives) {
  make_all();
  const auto report = copied(all_tables());
  expect_all_same();
  EXPECT_THAT(report["tables"][0]["created"].dump(), HasSubstr("an ordinary one with the rows of all partitions or children"));
  EXPECT_EQ(target_sql("SELECT string_agg(relkind::text, '') FROM pg_class WHERE relname IN ('by_range', 'inherited')"), "rr");
  // Each leaf was read by chunks of its own, and none of those without rows of their own.
  EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT member, ',' ORDER BY member) FROM pghaul.finished_chunks "
                       "WHERE source_table = 'public.by_levels'"),
            "public.by_levels_all,public.by_levels_low0,public.by_levels_low1,public.by_levels_none");
  EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT kind, ',') FROM pghaul.finished_chunks "
                       "WHERE source_table = 'public.by_time'"),
            "ctid");
  // No chunk is far above the batch size, whatever leaf it is of.
  EXPECT_LE(std::stoi(target_sql("SELECT max(rows) FROM pghaul.finished_chunks WHERE kind = 'key'")), 400);
  EXPECT_EQ(target_sql("SELECT sum(rows_done) FROM pghaul.table_copy_progress"),
            source_sql("SELECT (SELECT count(*) FROM by_range) + (SELECT count(*) FROM by_hash) + (SELECT count(*) FROM "
                       "by_levels) + (SELECT count(*) FROM by_list) + (SELECT count(*) FROM by_time) + (SELECT count(*) FROM "
                       "inherited)"));
}

TEST_F(Partitions, SmallTablesAreOneChunkThatEveryRunReplaces) {
  make(tree("public.by_time"), 20);
  for (int run = 0; run < 2; ++run) {
    copied({"--table", "by_time"});
    expect_same("public.by_time");
    source_sql("DELETE FROM by_time WHERE v LIKE 'v2%'; INSERT INTO by_time VALUES ('2020-02-03', 'new')");
  }
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.finished_chunks"), "1");
}

// What is above the mark is replaced as a whole, whatever leaf it comes from; ids of leaves lie side by side in by_hash,
// and stand in several tables of inherited.
TEST_F(Partitions, GainsAndTails) {
  make_all();
  copied(all_tables());
  int rows = first_rows;
  for (int run = 0; run < 2; ++run) {
    for (const auto& each : trees()) {
      if (each.gains) add(each, rows + 1, rows + 700);
    }
    rows += 700;
    for (const auto& each : trees()) {
      if (!each.gains) continue;
      copied(one_table(each));
      expect_same(each.name);
    }
  }
  EXPECT_EQ(generation(), "1");
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks"), "0");
}

// Rows that came under low keys are merged by key. In an inheritance tree a key's rows in other tables stay.
TEST_F(Partitions, LateRows) {
  for (const auto* name : {"public.by_range", "public.by_hash", "public.by_levels", "public.inherited"}) {
    make(tree(name));
    source_sql(fmt::format("DELETE FROM {} WHERE id BETWEEN 500 AND 1500", name));
    copied(one_table(tree(name)));
    add(tree(name), 500, 1500);
    source_sql(fmt::format("UPDATE ONLY {0} SET v = 'changed' WHERE id = 300; UPDATE {0} SET v = 'all' WHERE id = 306", name));
    copied(one_table(tree(name), {"--late-rows", "scan"}));
    expect_same(name);
  }
}

TEST_F(Partitions, FullEmptiesWhatIsThere) {
  make_all();
  copied(all_tables());
  for (const auto& each : trees()) source_sql(fmt::format("DELETE FROM {} WHERE v LIKE '%1%'", each.name));
  copied(all_tables({"--full"}));
  expect_all_same();
  EXPECT_EQ(generation(), "2");
}

TEST_F(Partitions, OtherSnapshotsAndConditionsAndColumns) {
  make_all();
  copied(all_tables({"--snapshot", "chunk"}));
  expect_all_same();
  const auto& range = tree("public.by_range");
  target_sql("DROP TABLE by_range, inherited");
  copied(one_table(range, {"--where", "id % 3 = 0 OR id = 1", "--columns", "id,v"}));
  EXPECT_EQ(table_digest(target_conninfo(), rows_of("public.by_range")),
            table_digest(source_conninfo(), rows_of("(SELECT id, v FROM public.by_range WHERE id % 3 = 0 OR id = 1)")));
  copied(one_table(tree("public.inherited"), {"--only"}));
  EXPECT_EQ(table_digest(target_conninfo(), rows_of("public.inherited")),
            table_digest(source_conninfo(), rows_of("ONLY public.inherited")));
  EXPECT_THAT(status().out, HasSubstr("ONLY public.inherited -> public.inherited: complete"));
  EXPECT_EQ(copy({"--table", "by_range", "--only"}).status, 3);
}

}  // namespace
}  // namespace pghaul::test
