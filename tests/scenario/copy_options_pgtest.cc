// What each option of pghaul copy does to what arrives, and to how it gets there.
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

using CopyOptions = CopyTest;

TEST_F(CopyOptions, Where) {
  make_profiles(1000);
  // A comment, quotes and the alias are all fine.
  const auto report = copied({"--where", "t.id % 2 = 0 AND data ->> 'name' <> 'O''Hara' -- even ones"});
  EXPECT_EQ(report["tables"][0]["rows"], 500);
  const auto even = "SELECT * FROM public.profiles WHERE id % 2 = 0 ORDER BY id";
  EXPECT_EQ(table_digest(source_conninfo(), even), table_digest(target_conninfo(), "SELECT * FROM public.profiles ORDER BY id"));
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
}

// An OR must not leak out of its parentheses and defeat the ranges of the chunks.
TEST_F(CopyOptions, WhereWithOr) {
  make_profiles(3000);
  copied({"--where", "id < 300 OR true", "--batch-bytes", "64kB"});
  expect_equal();
}

TEST_F(CopyOptions, AnotherWhereIsAnotherTableCopy) {
  make_profiles(100);
  copied({"--where", "id <= 150"});
  const auto second = copy({"--where", "id > 150"});
  EXPECT_EQ(second.status, 3) << second;
  EXPECT_THAT(second.err, HasSubstr("the target table is not empty"));
  copied({"--where", "id > 150", "--on-conflict", "skip"});
  expect_equal();
}

TEST_F(CopyOptions, Columns) {
  source_sql("CREATE TABLE public.wide (id bigserial PRIMARY KEY, \"A b\" text, c int, d text DEFAULT 'x');"
             "CREATE INDEX wide_c ON public.wide (c); CREATE INDEX wide_d ON public.wide (lower(d));"
             "INSERT INTO public.wide (\"A b\", c) SELECT 'v' || g, g FROM generate_series(1, 500) g");
  copied({"--table", "wide", "--columns", "c,\"A b\",id"});
  const auto some = "SELECT id, \"A b\", c FROM public.wide ORDER BY id";
  EXPECT_EQ(table_digest(source_conninfo(), some), table_digest(target_conninfo(), "SELECT * FROM public.wide ORDER BY id"));
  // An index on a column that was left out cannot be made.
  EXPECT_EQ(target_indexes("wide"), "wide_c,wide_pkey");
}

TEST_F(CopyOptions, ColumnsWithoutTheKey) {
  make_profiles(300);
  copied({"--columns", "data"});
  const auto data = "SELECT data FROM public.profiles ORDER BY data ->> 'name'";
  EXPECT_EQ(table_digest(source_conninfo(), data), table_digest(target_conninfo(), data));
  EXPECT_EQ(target_indexes(), "profiles_name");
}

TEST_F(CopyOptions, SeveralTables) {
  make_profiles(2000);
  source_sql("CREATE TABLE public.events (id int PRIMARY KEY, v text); CREATE TABLE public.empty (id int PRIMARY KEY);"
             "INSERT INTO public.events SELECT g, 'e' || g FROM generate_series(1, 3000) g;"
             "CREATE SCHEMA other; CREATE TABLE other.pages (v text);"
             "INSERT INTO other.pages SELECT repeat(g::text, 20) FROM generate_series(1, 2000) g; ANALYZE");
  const auto report = copied({"--table", profiles, "--table", "events", "--table", "other.pages", "--table", "empty",
                              "--batch-bytes", "64kB"});
  EXPECT_EQ(report["tables"].size(), 4U);
  EXPECT_EQ(report["snapshots"], 1);
  EXPECT_EQ(report["snapshot_text"], "one point in time");
  expect_equal();
  expect_equal("public.events");
  expect_equal("public.empty");
  expect_equal("other.pages", "v");
  for (const auto& table : report["tables"]) EXPECT_EQ(table["state"], "complete") << table;
}

TEST_F(CopyOptions, BatchRows) {
  make_profiles(5000);
  copied({"--batch-rows", "400"});
  expect_equal();
  const auto sizes = target_sql("SELECT max(rows) <= 600, count(*) BETWEEN 10 AND 20 FROM pghaul.chunk WHERE rows > 0");
  EXPECT_EQ(sizes, "t|t") << target_sql("SELECT kind, lower_bound, upper_bound, rows FROM pghaul.finished_chunks");
}

TEST_F(CopyOptions, BatchBytes) {
  make_profiles(10'000);
  copied({"--batch-bytes", "100kB"});
  expect_equal();
  EXPECT_EQ(target_sql("SELECT max(bytes) <= 200000, count(*) BETWEEN 8 AND 40 FROM pghaul.chunk WHERE rows > 0"), "t|t")
      << target_sql("SELECT kind, lower_bound, upper_bound, rows, bytes FROM pghaul.finished_chunks");
}

TEST_F(CopyOptions, G2_ChunkByEach) {
  make_profiles(5000);
  for (const auto& [by, kind] : {std::pair{"key", "key"}, {"ctid", "ctid"}, {"whole", "whole"}, {"auto", "key"}}) {
    copied({"--chunk-by", by, "--batch-bytes", "64kB", "--full"});
    expect_equal();
    EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT kind, ',') FROM pghaul.finished_chunks"), kind);
  }
  EXPECT_EQ(target_sql("SELECT max(generation) FROM pghaul.generation"), "4");
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
}

TEST_F(CopyOptions, AfterCopyEach) {
  make_profiles(3000);
  const auto known = [this] {  // pages that are all visible; whether the planner has statistics; steps in the ledger
    return target_sql("SELECT relallvisible > 0, EXISTS (SELECT FROM pg_stats WHERE tablename = 'profiles'), "
                      "(SELECT string_agg(step, ',' ORDER BY step) FROM pghaul.step WHERE step IN ('vacuum', 'analyze') AND generation = "
                      "(SELECT max(generation) FROM pghaul.generation)) FROM pg_class WHERE relname = 'profiles'");
  };
  for (const auto& [word, expected] : {std::pair{"none", "f|f|"}, {"analyze", "f|t|analyze"}, {"vacuum", "t|t|analyze,vacuum"}}) {
    target_sql("DROP TABLE IF EXISTS public.profiles; "
               "CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb) WITH (autovacuum_enabled = off)");
    copied({"--full", "--after-copy", word});
    EXPECT_EQ(known(), expected) << word;
    expect_equal();
  }
}

TEST_F(CopyOptions, SnapshotChunk) {
  make_profiles(5000);
  const auto report = copied({"--snapshot", "chunk", "--batch-bytes", "64kB"});
  expect_equal();
  EXPECT_THAT(report["snapshot_text"].get<std::string>(), HasSubstr("a snapshot for each chunk"));
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.chunk WHERE state = 'done' AND snapshot !~ '^\\d+:\\d+:'"), "0");
}

// Rows move between pages while these are read: so they are read at once.
TEST_F(CopyOptions, SnapshotChunkWithoutAKey) {
  source_sql("CREATE TABLE public.keyless (n int, v text); "
             "INSERT INTO public.keyless SELECT g, repeat('x', 90) FROM generate_series(1, 20000) g; ANALYZE public.keyless");
  const Arguments arguments{"--table", "keyless", "--snapshot", "chunk", "--batch-bytes", "64kB", "--max-rate", "1MB/s"};
  auto running = start_copy(arguments);
  source_sql("SELECT pg_sleep(0.5); UPDATE public.keyless SET v = v || 'y' WHERE n % 3 = 0; VACUUM public.keyless; "
             "UPDATE public.keyless SET v = v || 'z' WHERE n % 3 = 1");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(target_sql("SELECT count(*), count(DISTINCT n) FROM public.keyless"), "20000|20000");
  EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT kind, ',') FROM pghaul.chunk"), "whole");
}

TEST_F(CopyOptions, F2_SnapshotSharedIsOnePointInTime) {
  make_profiles(3000);
  auto running = start_copy({"--batch-bytes", "64kB", "--readers", "1", "--sleep", "50ms", "--json"});
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(); }));
  source_sql("UPDATE public.profiles SET data = '{\"changed\": true}'");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(target_sql("SELECT count(*), count(*) FILTER (WHERE data ? 'changed') FROM public.profiles"), "3000|0");
  EXPECT_EQ(target_sql("SELECT count(DISTINCT snapshot) FROM pghaul.chunk WHERE state = 'done'"), "1");
}

TEST_F(CopyOptions, ReadersAndWriters) {
  make_profiles(10'000);
  for (const auto& [readers, writers] : {std::pair{"1", "1"}, {"8", "1"}, {"1", "8"}, {"8", "8"}}) {
    copied({"--readers", readers, "--writers", writers, "--batch-bytes", "64kB", "--full"});
    expect_equal();
  }
}

// Asked for 8 readers, and so many sessions are there: plus anchors and the control session, as plan says.
TEST_F(CopyOptions, TheNumberOfConnectionsIsAsPlanned) {
  make_profiles(5000);
  const auto plan = run_pghaul(command("plan", {"--readers", "4", "--json"}));
  auto running = start_copy({"--readers", "4", "--batch-bytes", "64kB", "--sleep", "100ms"});
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(); }));
  const auto sessions = std::stoi(source_sql(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pghaul%' AND datname = current_database()"));
  EXPECT_LE(sessions, json_of(plan)["source_connections"].get<int>());
  EXPECT_GE(sessions, 5);
  EXPECT_EQ(running.finish().status, 0);
}

}  // namespace
}  // namespace pghaul::test
