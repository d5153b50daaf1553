// Partitions and children that come, go, are emptied or exchange rows while a copy is under way, or between two.
#include "scenario/late_rows.h"
#include "scenario/partitions.h"

namespace pghaul::test {
namespace {

class PartitionsChange : public Partitions {
 protected:
  const Tree& range() const { return tree("public.by_range"); }
  const Tree& inherited() const { return tree("public.inherited"); }
  // The first chunks only, of one reader.
  void stop_in_the_middle(const Tree& of, const Arguments& more = {}) const {
    auto arguments = one_table(of, {"--max-chunks", "4", "--readers", "1"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    stopped(arguments);
  }
  void expect_refused(const Arguments& arguments, const std::vector<std::string>& words) const {
    const auto result = copy(arguments);
    EXPECT_EQ(result.status, 3) << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word));
  }
  // A slow copy, of which some chunks are done.
  RunningProgram start_slowly(const Tree& of, const Arguments& more = {}) const {
    auto arguments = one_table(of, {"--readers", "1", "--sleep", "100ms"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto running = start_copy(arguments);
    EXPECT_TRUE(wait_until([&] { return some_chunks_done(); })) << running.err();
    return running;
  }
  void expect_failure(RunningProgram& running, const std::vector<std::string>& words) const {
    const auto result = running.finish();
    EXPECT_EQ(result.status, 5) << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word));
  }
};

// Its rows stand below the mark and above it.
TEST_F(PartitionsChange, F6_AttachedBetweenTwoRuns) {
  const auto& levels = tree("public.by_levels");
  for (const bool interrupted : {false, true}) {
    SCOPED_TRACE(interrupted);
    make(levels);
    if (interrupted) stop_in_the_middle(levels);
    if (!interrupted) copied(one_table(levels));
    source_sql("CREATE TABLE public.below (v text, id bigint NOT NULL); INSERT INTO below SELECT 'm' || g, -100 - g FROM "
               "generate_series(1, 700) g; ALTER TABLE by_levels_high ATTACH PARTITION below FOR VALUES FROM (-900) TO (-20);"
               "CREATE TABLE public.above (id bigint NOT NULL, v text); INSERT INTO above SELECT 10000 + g, 'a' FROM "
               "generate_series(1, 700) g; ALTER TABLE by_levels_high ATTACH PARTITION above FOR VALUES FROM (10000) TO (20000)");
    for (int run = 0; run < 2; ++run) {
      copied(one_table(levels));
      expect_same("public.by_levels");
    }
    EXPECT_EQ(generation(), "1");
    EXPECT_EQ(target_sql("SELECT sum(rows_done) FROM pghaul.table_copy_progress"), count(source_conninfo(), "by_levels"));
    source_sql("DROP TABLE by_levels");
    target_sql("DROP SCHEMA pghaul CASCADE; DROP TABLE by_levels");
  }
}

// A part of the default partition becomes one of its own: its rows are on the target already.
TEST_F(PartitionsChange, F6_RowsThatMoveIntoANewPartition) {
  make(range());
  copied(one_table(range()));
  source_sql("BEGIN; CREATE TABLE public.moved (LIKE by_range INCLUDING ALL); WITH d AS (DELETE FROM by_range_rest WHERE id >= "
             "2500 RETURNING id, v, n) INSERT INTO moved (id, v, n) SELECT id, v, n FROM d; INSERT INTO moved VALUES (90001, "
             "'new', 1); ALTER TABLE by_range ATTACH PARTITION moved FOR VALUES FROM (2500) TO (100000); COMMIT");
  const auto report = copied(one_table(range()));
  expect_same("public.by_range");
  EXPECT_EQ(report["tables"][0]["late_rows"], 0) << "all below the mark were known";
}

TEST_F(PartitionsChange, AChildJoinsWithKeysThatOthersHave) {
  make(inherited());
  copied(one_table(inherited()));
  source_sql("CREATE TABLE public.joined (PRIMARY KEY (id)) INHERITS (inherited);"
             "INSERT INTO joined SELECT g, 'j' || g FROM generate_series(2500, 4000) g");
  const auto report = copied(one_table(inherited()));
  expect_same("public.inherited");
  EXPECT_EQ(target_sql("SELECT sum(rows_done) FROM pghaul.table_copy_progress"), count(source_conninfo(), "inherited"));
  copied(one_table(inherited()));
  expect_same("public.inherited");
}

TEST_F(PartitionsChange, APlainTableBecomesAParent) {
  source_sql("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10)");
  copied({"--table", "t"});
  source_sql("CREATE TABLE public.c (PRIMARY KEY (id)) INHERITS (public.t); INSERT INTO c VALUES (30)");
  expect_refused({"--table", "t"}, {"other tables have come to inherit from it", "--only"});
  copied({"--table", "t", "--full"});
  expect_same("public.t");
}

// Without a single integer key nothing tells its rows from those that are there.
TEST_F(PartitionsChange, AttachedWithoutAnIntegerKey) {
  const auto& list = tree("public.by_list");
  make(list);
  stop_in_the_middle(list);
  source_sql("CREATE TABLE public.more PARTITION OF by_list FOR VALUES IN ('new')");
  expect_refused(one_table(list), {"public.more has joined the table since", "without a single integer key", "--full"});
  copied(one_table(list, {"--full"}));
  expect_same("public.by_list");
}

TEST_F(PartitionsChange, F6_DroppedOrEmptiedBetweenTwoRuns) {
  make(range());
  stop_in_the_middle(range());
  source_sql("TRUNCATE by_range_3");
  expect_refused(one_table(range()), {"public.by_range_3 was truncated or rewritten", "--allow rewritten"});
  copied(one_table(range(), {"--full"}));
  expect_same("public.by_range");
  source_sql("VACUUM FULL by_range_1; INSERT INTO by_range VALUES (9000, 'new')");
  expect_refused(one_table(range()), {"public.by_range_1 was truncated or rewritten"});
  copied(one_table(range(), {"--allow", "rewritten"}));
  copied(one_table(range()));
  expect_same("public.by_range");
}

// The first chunks are of by_hash_0, the last of by_hash_2.
TEST_F(PartitionsChange, F6_LeavesThatGoInMidCopy) {
  const auto& hash = tree("public.by_hash");
  for (const auto* change : {"ALTER TABLE by_hash DETACH PARTITION by_hash_2", "DROP TABLE by_hash_2",
                             "ALTER TABLE by_hash DETACH PARTITION by_hash_2 CONCURRENTLY",
                             "ALTER TABLE by_hash_2 RENAME TO renamed"}) {
    SCOPED_TRACE(change);
    make(hash);
    auto running = start_slowly(hash, {"--snapshot", "chunk"});
    source_sql(change);
    expect_failure(running, {"was detached, dropped or renamed in mid-copy", "chunks finished before are kept",
                             "run the same command again"});
    const auto again = copy(one_table(hash));
    const bool gone = std::string(change).find("RENAME") == std::string::npos;
    EXPECT_EQ(again.status, gone ? 3 : 0) << again;
    if (gone) copied(one_table(hash, {"--full"}));
    expect_same("public.by_hash");
    source_sql("DROP TABLE by_hash; DROP TABLE IF EXISTS by_hash_2");
    target_sql("DROP SCHEMA pghaul CASCADE; DROP TABLE by_hash");
  }
}

TEST_F(PartitionsChange, ALeafIsEmptiedInMidCopy) {
  make(range());
  auto running = start_slowly(range());
  source_sql("TRUNCATE by_range_rest");
  expect_failure(running, {"public.by_range_rest was truncated, rewritten or dropped in mid-copy", "--full"});
  copied(one_table(range(), {"--full"}));
  expect_same("public.by_range");
}

TEST_F(PartitionsChange, AChildLeavesInMidCopy) {
  make(inherited());
  auto running = start_slowly(inherited());
  source_sql("ALTER TABLE inherited_grandchild NO INHERIT inherited_child");
  expect_failure(running, {"public.inherited_grandchild was detached, dropped or renamed in mid-copy"});
  expect_refused(one_table(inherited()), {"public.inherited_grandchild was dropped, detached"});
}

// One snapshot: as if nothing had happened.
TEST_F(PartitionsChange, F6_RowsThatMoveInMidCopy) {
  const auto& list = tree("public.by_list");
  make(list);
  source_sql("CREATE TABLE public.before AS TABLE by_list");
  auto running = start_slowly(list);
  source_sql("UPDATE by_list SET region = CASE region WHEN 'de' THEN 'us' WHEN 'us' THEN 'xx' ELSE 'de' END;"
             "CREATE TABLE public.more PARTITION OF by_list FOR VALUES IN ('new'); INSERT INTO by_list VALUES (1, 'x', 'new')");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(table_digest(target_conninfo(), rows_of("public.by_list")), table_digest(source_conninfo(), rows_of("public.before")));
}

// A transaction that writes straight into a leaf, or has drawn a number of the table's sequence, is waited for.
TEST_F(PartitionsChange, WritersOfLeavesAreWaitedFor) {
  source_sql("CREATE TABLE public.t (id bigserial PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE TABLE public.low PARTITION OF t FOR VALUES FROM (0) TO (1000); CREATE TABLE public.high PARTITION OF t DEFAULT;"
             "INSERT INTO t (v) SELECT 'v' FROM generate_series(1, 500)");
  OpenSession writer(source_conninfo());
  writer.run("BEGIN; INSERT INTO low VALUES (nextval('t_id_seq'), 'late')");
  source_sql("INSERT INTO t (v) VALUES ('after')");
  auto running = start_copy({"--table", "t", "--late-wait", "60s", "--progress", "json"});
  ASSERT_TRUE(wait_until([&] { return running.err().find("waiting for late rows") != std::string::npos; })) << running.err();
  writer.run("COMMIT");
  EXPECT_EQ(running.finish().status, 0);
  expect_same("public.t");
  EXPECT_EQ(count(target_conninfo(), "t"), "502");
}

}  // namespace
}  // namespace pghaul::test
