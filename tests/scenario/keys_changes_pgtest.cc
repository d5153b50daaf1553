// Keys of any type, while the source changes: rows, the key itself, and the order that it has on either side.
#include "scenario/plan_test.h"

namespace pghaul::test {
namespace {

class KeysChange : public PlanTest {
 protected:
  // 3,000 rows of about 130 bytes.
  void make(const std::string& columns, const std::string& values, const std::string& key) const {
    source_sql(fmt::format(
        "CREATE TABLE public.profiles ({0}, data text, PRIMARY KEY ({1}));"
        "INSERT INTO public.profiles SELECT {2}, repeat(md5(g::text), 3) FROM generate_series(1, 3000) g;"
        "ANALYZE public.profiles",
        columns, key, values));
  }
  void make_uuids() const { make("id uuid", "md5(g::text)::uuid", "id"); }
  static Arguments small_batches(const Arguments& more = {}) {
    Arguments arguments{"--batch-rows", "100", "--batch-bytes", "64kB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  void stop_in_the_middle() const { stopped(small_batches({"--max-chunks", "10", "--readers", "1"})); }
};

// Each range is as of the snapshot it was read in: what was there all the time is there once, what came or
// went meanwhile once or not at all.
TEST_F(KeysChange, RowsWrittenBetweenTwoRuns) {
  make_uuids();
  stop_in_the_middle();
  source_sql(
      "CREATE TABLE public.before AS TABLE public.profiles;"
      "DELETE FROM public.profiles WHERE id::text < '1' OR id::text > 'f';"
      "UPDATE public.profiles SET data = 'new' WHERE id::text LIKE '5%';"
      "INSERT INTO public.profiles SELECT md5(g::text)::uuid, 'new' FROM generate_series(5001, 5500) g");
  const auto report = copied(small_batches());
  EXPECT_TRUE(report["tables"][0]["resumed"].get<bool>());
  EXPECT_EQ(target_sql("SELECT max(generation) FROM pghaul.table_copy"), "1");
  EXPECT_EQ(target_sql("SELECT count(*) - count(DISTINCT id) FROM public.profiles"), "0");
  // As of the ledger: rows below the place where the first run stopped are the old ones, those above it the
  // new ones.
  const auto place =
      target_sql("SELECT string_agg(DISTINCT snapshot, ' ') FROM pghaul.chunk WHERE state = 'done'");
  ASSERT_THAT(place, HasSubstr(" ")) << "two snapshots";
  const auto border = target_sql(
      "SELECT max(c.upper_bound::json ->> 0) FROM pghaul.chunk c WHERE state = 'done' "
      "AND snapshot = (SELECT snapshot FROM pghaul.chunk WHERE state = 'done' "
      "ORDER BY done_at LIMIT 1)");
  EXPECT_EQ(
      table_digest(target_conninfo(), "SELECT * FROM public.profiles AS t ORDER BY t.id"),
      table_digest(source_conninfo(),
                   fmt::format("SELECT * FROM (SELECT * FROM public.before AS b WHERE b.id < '{0}' UNION ALL "
                               "SELECT * FROM public.profiles AS p WHERE p.id >= '{0}') AS t ORDER BY t.id",
                               border)));
}

// One snapshot, whatever is written meanwhile.
TEST_F(KeysChange, RowsWrittenWhileItRuns) {
  make("tenant int, name text COLLATE \"und-x-icu\"", "g % 7, 'n' || g", "tenant, name");
  source_sql("CREATE TABLE public.before AS TABLE public.profiles");
  auto running = start_copy(small_batches({"--sleep", "20ms", "--readers", "1", "--json"}));
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(); })) << running.err();
  source_sql(
      "INSERT INTO public.profiles SELECT g % 7, 'new' || g, 'x' FROM generate_series(1, 500) g;"
      "UPDATE public.profiles SET tenant = 6 - tenant WHERE name LIKE '%1'; DELETE FROM public.profiles "
      "WHERE tenant = 3");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  const auto rows = "SELECT * FROM {} AS t ORDER BY t.tenant, t.name COLLATE pg_catalog.\"C\"";
  EXPECT_EQ(table_digest(target_conninfo(), fmt::format(fmt::runtime(rows), "public.profiles")),
            table_digest(source_conninfo(), fmt::format(fmt::runtime(rows), "public.before")));
}

// The target orders its rows in another way, and nobody asks it.
TEST_F(KeysChange, G6_CollationsDiffer) {
  make("id text COLLATE \"und-x-icu\"",
       "CASE g % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'A' WHEN 2 THEN 'ä' ELSE 'z ' END || g", "id");
  target_sql("CREATE TABLE public.profiles (id text COLLATE \"C\" PRIMARY KEY, data text)");
  stop_in_the_middle();
  copied(small_batches());
  expect_equal(profiles, "id COLLATE pg_catalog.\"C\"");
}

TEST_F(KeysChange, TheKeyIsGone) {
  make_uuids();
  stop_in_the_middle();
  source_sql("ALTER TABLE public.profiles DROP CONSTRAINT profiles_pkey");
  const auto refused = copy(small_batches());
  EXPECT_EQ(refused.status, 3) << refused;
  EXPECT_THAT(refused.err, HasSubstr("the key that the copy is cut by is gone"));
  EXPECT_THAT(refused.err, HasSubstr("--full copies it anew"));
  source_sql("ALTER TABLE public.profiles ADD PRIMARY KEY (id)");
  copied(small_batches());
  expect_equal();
}

TEST_F(KeysChange, AnIntegerKeyIsGone) {
  make("id int, other int", "g, -g", "id");
  stop_in_the_middle();
  source_sql(
      "ALTER TABLE public.profiles DROP CONSTRAINT profiles_pkey;"
      "ALTER TABLE public.profiles ALTER other SET NOT NULL, ADD UNIQUE (other)");
  const auto refused = copy(small_batches());
  EXPECT_EQ(refused.status, 3) << refused;
  source_sql("ALTER TABLE public.profiles ALTER other DROP NOT NULL, ADD PRIMARY KEY (id)");
  copied(small_batches());
  expect_equal();
}

// Its ranges go on to be those of the key that they were made of, in the order that they were made in.
TEST_F(KeysChange, ABetterKeyComes) {
  make("id text, no int NOT NULL", "'k' || g, g", "id");
  stop_in_the_middle();
  source_sql("CREATE UNIQUE INDEX ON public.profiles (no); CREATE UNIQUE INDEX ON public.profiles (id DESC)");
  copied(small_batches());
  expect_equal();
  EXPECT_EQ(target_sql("SELECT max(generation) FROM pghaul.table_copy"), "1");
  EXPECT_EQ(copied(small_batches())["tables"][0]["state"], "unchanged");
}

TEST_F(KeysChange, G6_TheOrderOfTheKeyChanges) {
  make("id text", "'k' || g", "id");
  stop_in_the_middle();
  source_sql(
      "ALTER TABLE public.profiles DROP CONSTRAINT profiles_pkey; CREATE UNIQUE INDEX ON public.profiles (id "
      "DESC)");
  const auto refused = copy(small_batches());
  EXPECT_EQ(refused.status, 3) << refused;
  EXPECT_THAT(refused.err, HasSubstr("or is ordered in another way now"));
}

// A value moves from a row whose range is copied to one whose range is not: of two snapshots it arrives
// twice.
TEST_F(KeysChange, RowsThatClashAreReadAgain) {
  make("id uuid, email text NOT NULL", "md5(g::text)::uuid, 'e' || g", "id");
  source_sql("ALTER TABLE public.profiles ADD UNIQUE (email)");
  stop_in_the_middle();
  source_sql(
      "CREATE TEMP TABLE ends AS SELECT (SELECT id FROM public.profiles ORDER BY id LIMIT 1) AS low, "
      "(SELECT id FROM public.profiles ORDER BY id DESC LIMIT 1) AS high;"
      "UPDATE public.profiles SET email = 'moved' WHERE id = (SELECT low FROM ends);"
      "UPDATE public.profiles SET email = (SELECT 'e' || g FROM generate_series(1, 3000) g WHERE "
      "md5(g::text)::uuid = "
      "(SELECT low FROM ends)) WHERE id = (SELECT high FROM ends)");
  const auto report = copied(small_batches());
  EXPECT_THAT(report["tables"][0]["remarks"].dump(), HasSubstr("2 rows that clashed in index"));
  expect_equal();
}

// A condition goes into each part of a range.
TEST_F(KeysChange, WithACondition) {
  make("tenant int, id int", "g % 3, g", "tenant, id");
  copied(small_batches({"--where", "id % 2 = 0 OR tenant = 1 -- no more"}));
  EXPECT_EQ(digest(target_conninfo(), profiles, "id"),
            table_digest(source_conninfo(),
                         "SELECT * FROM public.profiles AS t WHERE id % 2 = 0 OR tenant = 1 ORDER BY t.id"));
}

TEST_F(KeysChange, ASmallTableIsReplacedByEveryRun) {
  make_uuids();
  copied();
  expect_equal();
  source_sql(
      "DELETE FROM public.profiles WHERE id::text < '8'; INSERT INTO public.profiles VALUES "
      "(gen_random_uuid(), 'x')");
  copied();
  expect_equal();
  EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT kind, ',') FROM pghaul.chunk"), "whole");
}

TEST_F(KeysChange, PlanNamesTheKeyAndItsCost) {
  make_uuids();
  const auto random = planned_table(small_batches());
  EXPECT_EQ(random["key_column"], "id");
  EXPECT_THAT(random["reason"].get<std::string>(), HasSubstr("key id: "));
  EXPECT_THAT(random["reason"].get<std::string>(),
              HasSubstr("the table is not in the order of this key (correlation"));
  EXPECT_THAT(random["reason"].get<std::string>(), HasSubstr("--chunk-by ctid reads each page once"));
  EXPECT_THAT(random["chunks"][1]["text"].get<std::string>(), HasSubstr("id in ["));
  source_sql("CLUSTER public.profiles USING profiles_pkey; ANALYZE public.profiles");
  EXPECT_THAT(planned_table(small_batches())["reason"].get<std::string>(),
              Not(HasSubstr("not in the order")));
  source_sql(
      "ALTER TABLE public.profiles DROP CONSTRAINT profiles_pkey, ALTER id DROP NOT NULL;"
      "CREATE UNIQUE INDEX k ON public.profiles (id)");
  EXPECT_THAT(planned_table(small_batches())["reason"].get<std::string>(),
              HasSubstr("page ranges inside one snapshot (k: column id may be NULL)"));
  const auto refused = plan(small_batches({"--chunk-by", "key"}));
  EXPECT_THAT(refused.out + refused.err, HasSubstr("no key to cut by: k: column id may be NULL"));
}

}  // namespace
}  // namespace pghaul::test
