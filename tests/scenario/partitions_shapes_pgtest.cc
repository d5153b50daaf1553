// Partitioned targets; trees of odd shapes.
#include "scenario/partitions.h"

namespace pghaul::test {
namespace {

// Rows go where the target's own bounds say.
TEST_F(Partitions, PartitionedTargets) {
  make(tree("public.by_range"));
  make(tree("public.by_hash"));
  target_sql("CREATE TABLE public.by_range (n int, v text, id bigint PRIMARY KEY) PARTITION BY HASH (id);"
             "CREATE TABLE public.a PARTITION OF by_range FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
             "CREATE TABLE public.b PARTITION OF by_range FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
             "CREATE TABLE public.by_hash (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE TABLE public.c PARTITION OF by_hash FOR VALUES FROM (0) TO (1200);"
             "CREATE TABLE public.d PARTITION OF by_hash FOR VALUES FROM (1200) TO (10000)");
  const auto same = [&] {
    for (const auto* name : {"public.by_range", "public.by_hash"}) {
      EXPECT_EQ(table_digest(source_conninfo(), rows_of(name, "t.id, t.v")),
                table_digest(target_conninfo(), rows_of(name, "t.id, t.v")))
          << name;
    }
  };
  const auto both = [](const Arguments& more = {}) {
    auto arguments = small_batches({"--table", "by_range", "--table", "by_hash"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  copied(both());
  same();
  for (const auto* name : {"public.by_range", "public.by_hash"}) {
    add(tree(name), 3001, 3300);
    source_sql(fmt::format("DELETE FROM {} WHERE id = 17; INSERT INTO {} (id, v) VALUES (17, 'late')", name, name));
  }
  copied(both({"--late-rows", "scan"}));
  same();
  source_sql("DELETE FROM by_range WHERE id < 100; DELETE FROM by_hash WHERE id > 2000");
  copied(both({"--full"}));
  same();
}

// Rows reach partitions by the root: what is wrong with one of them is wrong with the target.
TEST_F(Partitions, PartitionsOfATargetThatCannotBe) {
  make(tree("public.by_hash"), 10);
  target_sql("CREATE TABLE public.by_hash (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE UNLOGGED TABLE public.c PARTITION OF by_hash FOR VALUES FROM (0) TO (5);"
             "CREATE TABLE public.d PARTITION OF by_hash DEFAULT; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
             "'BEGIN RETURN NULL; END'; CREATE TRIGGER lose BEFORE INSERT ON public.d FOR EACH ROW EXECUTE FUNCTION f()");
  const auto result = copy({"--table", "by_hash"});
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("are unlogged: a crash would empty them while the ledger says done: public.c"));
  EXPECT_THAT(result.err, HasSubstr("user triggers, which would fire for every row: lose of public.d"));
  EXPECT_EQ(target_sql("SELECT count(*) FROM by_hash"), "0");
}

TEST_F(Partitions, MergingIntoAPartitionedTarget) {
  make(tree("public.by_hash"));
  target_sql("CREATE TABLE public.by_hash (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE TABLE public.c PARTITION OF by_hash FOR VALUES FROM (0) TO (1200);"
             "CREATE TABLE public.d PARTITION OF by_hash DEFAULT; INSERT INTO by_hash VALUES (5, 'mine'), (100000, 'mine')");
  copied(one_table(tree("public.by_hash"), {"--on-conflict", "skip"}));
  EXPECT_EQ(target_sql("SELECT count(*), count(*) FILTER (WHERE v = 'mine') FROM by_hash"), "3001|2");
  target_sql("DROP SCHEMA pghaul CASCADE");
  copied(one_table(tree("public.by_hash"), {"--on-conflict", "update"}));
  EXPECT_EQ(target_sql("DELETE FROM by_hash WHERE id = 100000 RETURNING v"), "mine");
  EXPECT_EQ(table_digest(source_conninfo(), rows_of("public.by_hash", "t.id, t.v")),
            table_digest(target_conninfo(), rows_of("public.by_hash", "t.id, t.v")));
}

// The rows that have a place are kept, the others lead to an error without their values; with a place the copy goes on.
TEST_F(Partitions, ARowWithoutAPartitionOnTheTarget) {
  make(tree("public.by_hash"));
  target_sql("CREATE TABLE public.by_hash (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE TABLE public.c PARTITION OF by_hash FOR VALUES FROM (0) TO (2900)");
  const auto result = copy(one_table(tree("public.by_hash")));
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 23514]"));
  EXPECT_THAT(result.err, HasSubstr("no partition of relation \"by_hash\" found for row"));
  EXPECT_THAT(result.err, Not(HasSubstr("2900")));
  target_sql("CREATE TABLE public.d PARTITION OF by_hash DEFAULT");
  copied(one_table(tree("public.by_hash")));
  EXPECT_EQ(table_digest(source_conninfo(), rows_of("public.by_hash", "t.id, t.v")),
            table_digest(target_conninfo(), rows_of("public.by_hash", "t.id, t.v")));
}

TEST_F(Partitions, APartitionAloneAsSource) {
  make(tree("public.by_levels"));
  copied({"--table", "by_levels_low", "--table", "by_levels_low0", "--batch-bytes", "64kB"});
  expect_same("public.by_levels_low");
  expect_same("public.by_levels_low0");
}

TEST_F(Partitions, NoPartitionsYetAndThenSome) {
  source_sql("CREATE TABLE public.by_range (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE TABLE public.later (v text) PARTITION BY LIST (v)");
  const Arguments both{"--table", "by_range", "--table", "later"};
  copied(both);
  source_sql("CREATE TABLE public.p PARTITION OF by_range DEFAULT; INSERT INTO by_range SELECT g, 'x' FROM "
             "generate_series(1, 100) g; CREATE TABLE public.q PARTITION OF later DEFAULT; INSERT INTO later VALUES ('y')");
  copied(both);
  expect_same("public.by_range");
  expect_same("public.later");
}

// Nothing but an index that every table has makes key ranges; otherwise there are pages, and the plan says why.
TEST_F(Partitions, ChildrenWithoutTheParentsIndex) {
  source_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text); CREATE TABLE public.c () INHERITS (public.t);"
             "CREATE TABLE public.d (PRIMARY KEY (id)) INHERITS (public.t);"
             "INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 2000) g; INSERT INTO c TABLE ONLY t;"
             "INSERT INTO d TABLE ONLY t; ANALYZE");
  target_sql("CREATE TABLE public.t (id int, v text)");
  const auto plan = run_pghaul(command("plan", {"--table", "t", "--batch-bytes", "64kB"}));
  EXPECT_EQ(plan.status, 0) << plan;
  EXPECT_THAT(plan.out, HasSubstr("t_pkey: not every table that inherits has such an index"));
  EXPECT_THAT(plan.out, HasSubstr("public.c: "));
  copied({"--table", "t", "--batch-bytes", "64kB"});
  expect_same("public.t");
  source_sql("ALTER TABLE c ADD PRIMARY KEY (id)");
  copied({"--table", "t", "--batch-bytes", "64kB", "--full"});
  expect_same("public.t");
  EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT kind, ',') FROM pghaul.chunk WHERE generation = 2"), "key");
}

// Each leaf is one chunk, and there is no list of hundreds of lines.
TEST_F(Partitions, HundredsOfLeaves) {
  source_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "SELECT format('CREATE TABLE public.t_%s PARTITION OF public.t FOR VALUES FROM (%s) TO (%s)', g, g * 100, "
             "g * 100 + 100) FROM generate_series(0, 299) g \\gexec\n"
             "INSERT INTO t SELECT g, 'v' || g FROM generate_series(0, 29999) g");
  const auto plan = run_pghaul(command("plan", {"--table", "t", "--batch-bytes", "1MB"}));
  EXPECT_EQ(plan.status, 0) << plan;
  EXPECT_THAT(plan.out, HasSubstr("… and 290 more (--verbose)"));
  EXPECT_LT(std::count(plan.out.begin(), plan.out.end(), '\n'), 60);
  const auto report = copied({"--table", "t", "--batch-bytes", "1MB"});
  EXPECT_EQ(report["tables"][0]["chunks"], 301) << "one for each leaf, one for what is above the mark";
  expect_same("public.t");
  EXPECT_THAT(status().out, HasSubstr("300 of 300 partitions or children done"));
}

}  // namespace
}  // namespace pghaul::test
