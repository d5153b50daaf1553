// Indexes of a table whose rows are all there are built while other tables are still copied.
#include "scenario/resume.h"

namespace pghaul::test {
namespace {

// `large` is copied first, whatever the order of names; `slow` goes on for seconds after it: chunk by chunk, with pauses.
class EarlyIndexes : public Resume {
 protected:
  void make_two_tables() const {
    source_sql("CREATE TABLE public.slow (id int PRIMARY KEY, v text);"
               "INSERT INTO public.slow SELECT g, 'v' FROM generate_series(1, 6000) g;"
               "CREATE TABLE public.large (id int PRIMARY KEY, v text); CREATE INDEX large_v ON public.large (v);"
               "INSERT INTO public.large SELECT g, repeat('x', 1000) || g FROM generate_series(1, 1000) g;"
               "ANALYZE public.slow, public.large");
  }
  static Arguments two_tables(const std::string& sleep) {
    return {"--table", "slow", "--table", "large", "--batch-rows", "100", "--readers", "1", "--sleep", sleep};
  }
  void expect_both() const {
    for (const auto* name : {"large", "slow"}) expect_equal(fmt::format("public.{}", name));
    EXPECT_EQ(target_indexes("large"), "large_pkey,large_v");
    EXPECT_EQ(target_indexes("slow"), "slow_pkey");
    EXPECT_EQ(target_sql("SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND conrelid::regclass::text IN "
                         "('large', 'slow'); SELECT count(*) FROM pghaul.table_copy WHERE state = 'complete'"),
              "2\n2");
  }
  // Constraints are made after the indexes, so that all of them are there.
  bool large_is_finished() const {
    return try_psql(target_conninfo(), "SELECT count(*) FROM pghaul.step WHERE step = 'analyze'").out == "1\n";
  }
};

TEST_F(EarlyIndexes, AreThereBeforeTheLastRows) {
  make_two_tables();
  const auto report = copied(two_tables("50ms"));
  expect_both();
  EXPECT_EQ(target_sql("SELECT (SELECT max(done_at) FROM pghaul.step WHERE step IN ('index large_v', 'constraint large_pkey')) "
                       "< max(c.done_at) FROM pghaul.chunk c JOIN pghaul.table_copy t ON t.id = c.table_copy "
                       "WHERE t.source_table = 'public.slow'"),
            "t");
  // VACUUM comes last: what other tables' transactions keep it from would stay undone.
  EXPECT_EQ(target_sql("SELECT bool_and(relallvisible = relpages) FROM pg_class WHERE relname IN ('large', 'slow')"), "t");
  EXPECT_EQ(report["tables"][1]["created"].dump(), R"(["table public.large","primary key large_pkey","index large_v"])");
}

TEST_F(EarlyIndexes, KilledWhileOneIsBuilt) {
  make_two_tables();
  for (const auto* name : {"index.before_build", "index.built", "constraint.before_make", "constraint.made", "target.vacuumed"}) {
    SCOPED_TRACE(name);
    target_sql("DROP SCHEMA IF EXISTS pghaul CASCADE; DROP TABLE IF EXISTS public.large, public.slow");
    EXPECT_EQ(copy(two_tables("50ms"), failing(name, "kill9")).status, killed);
    EXPECT_NE(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks"), "0") << "it came too late";
    copied(two_tables("0ms"));
    expect_both();
  }
}

TEST_F(EarlyIndexes, OneThatCannotBeBuiltStopsTheJob) {
  make_two_tables();
  auto running = start_copy(two_tables("50ms"));
  // In the way of an index, and not there when the copy began.
  ASSERT_TRUE(wait_until([this] { return some_chunks_done(); }));
  target_sql("CREATE VIEW public.large_v AS SELECT 1 AS one");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("large_v")) << result;
  EXPECT_NE(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks"), "0");
  expect_no_session_left();
  target_sql("DROP VIEW public.large_v");
  copied(two_tables("0ms"));
  expect_both();
}

TEST_F(EarlyIndexes, ASignalEndsTheirBuild) {
  make_two_tables();
  const auto function = "CREATE FUNCTION public.same(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
                        "$$BEGIN PERFORM pg_catalog.pg_sleep({}); RETURN $1; END$$";
  source_sql(fmt::format(fmt::runtime(function), 0) + "; CREATE INDEX large_same ON public.large (public.same(v))");
  target_sql(fmt::format(fmt::runtime(function), 1));
  auto running = start_copy(two_tables("50ms"));
  ASSERT_TRUE(wait_until([this] {
    return target_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%large_same%' AND "
                      "state = 'active'") == "1";
  }));
  running.process().signal(SIGTERM);
  EXPECT_EQ(running.finish().status, 4);
  expect_no_session_left();
  target_sql("DROP FUNCTION public.same(text); " + fmt::format(fmt::runtime(function), 0));
  copied(two_tables("0ms"));
  EXPECT_EQ(target_indexes("large"), "large_pkey,large_same,large_v");
  expect_equal("public.large");
}

// A target that lost commits (a failover) may have forgotten them by the end.
TEST_F(EarlyIndexes, LostOnesAreBuiltAgain) {
  make_two_tables();
  auto running = start_copy(two_tables("50ms"));
  ASSERT_TRUE(wait_until([this] { return large_is_finished(); }));
  target_sql("BEGIN; ALTER TABLE public.large DROP CONSTRAINT large_pkey; DROP INDEX public.large_v;"
             "DELETE FROM pghaul.step WHERE step LIKE '%large%' OR step = 'analyze'; COMMIT");
  ASSERT_NE(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks"), "0") << "it came too late";
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_both();
}

}  // namespace
}  // namespace pghaul::test
