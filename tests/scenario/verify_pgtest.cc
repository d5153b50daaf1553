// Whether two tables are equal, and which rows are not.
#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

using Verify = VerifyTest;

TEST_F(Verify, EqualAfterACopy) {
  make_profiles(20'000);
  copied();
  const auto table = expect_equal_rows(20'000, {"--batch-bytes", "64kB"});
  EXPECT_GT(table["chunks"], 10);
  EXPECT_EQ(table["differences"], 0);
  EXPECT_THAT(table["equality"], HasSubstr("the same binary form (id, data)"));
  expect_no_session_left();
}

TEST_F(Verify, EveryKindOfDifference) {
  make_profiles(20'000);
  copied();
  target_sql(
      "DELETE FROM profiles WHERE id = 3; INSERT INTO profiles VALUES (4, '{}'), (1000000, '{}'); "
      "UPDATE profiles SET data = data || '{\"name\": \"x\"}' WHERE id = 30000; "
      "UPDATE profiles SET data = NULL WHERE id = 60000");
  const auto table = verified(1, {"--batch-bytes", "64kB"});
  EXPECT_EQ(table["state"], "different");
  EXPECT_EQ(differences(table),
            (Rows{"id=3 1:0", "id=4 0:1", "id=1000000 0:1", "id=30000 1:1 data", "id=60000 1:1 data"}));
}

TEST_F(Verify, TheTextNamesRowsAndValuesOnlyWhenAsked) {
  make_profiles(300);
  copied();
  target_sql("UPDATE profiles SET data = '{\"secret\": 1}' WHERE id = 3");
  const auto plain = verify();
  EXPECT_EQ(plain.status, 1);
  EXPECT_THAT(plain.out, HasSubstr("id = 3: differs in data"));
  EXPECT_THAT(plain.out + plain.err, Not(HasSubstr("secret")));
  EXPECT_THAT(verify({"--show-values"}).out, HasSubstr("\"secret\": 1"));
}

TEST_F(Verify, EmptyTables) {
  both_sql("CREATE TABLE profiles (id bigint PRIMARY KEY, data text)");
  expect_equal_rows(0);
  target_sql("INSERT INTO profiles VALUES (-5, 'x'), (7, NULL)");
  EXPECT_EQ(differences(verified(1)), (Rows{"id=-5 0:1", "id=7 0:1"}));
}

TEST_F(Verify, WhereAndColumns) {
  make_profiles(300);
  copied();
  target_sql("UPDATE profiles SET data = '{}' WHERE id > 600");
  EXPECT_EQ(verified(1)["differences"], 100);
  expect_equal_rows(200, {"--where", "id <= 600"});
  expect_equal_rows(300, {"--columns", "id"});
}

TEST_F(Verify, NullKeysAreTheirHashes) {
  both_sql(
      "CREATE TABLE profiles (id bigint UNIQUE, data text); "
      "INSERT INTO profiles VALUES (1, 'a'), (NULL, 'b'), (NULL, 'b'), (NULL, 'c')");
  expect_equal_rows(4);
  target_sql("DELETE FROM profiles WHERE data = 'c'; INSERT INTO profiles VALUES (NULL, 'b')");
  EXPECT_EQ(differences(verified(1)), (Rows{"row 1:0", "row 2:3"}));
}

TEST_F(Verify, WithoutAKeyRowsAreCounted) {
  both_sql(
      "CREATE TABLE profiles (a int, b text); "
      "INSERT INTO profiles SELECT g % 1000, 'x' FROM generate_series(1, 100000) g");
  EXPECT_THAT(expect_equal_rows(100'000)["strategy"], HasSubstr("as a whole"));
  target_sql(
      "DELETE FROM profiles WHERE ctid IN (SELECT ctid FROM profiles WHERE a = 5 LIMIT 1); "
      "INSERT INTO profiles VALUES (1000, 'x')");
  EXPECT_EQ(differences(verified(1)), (Rows{"row 100:99", "row 0:1"}));
}

// Of a target without an index of its own.
TEST_F(Verify, ADoubledRow) {
  source_sql(
      "CREATE TABLE profiles (id bigint PRIMARY KEY, data text); INSERT INTO profiles SELECT g, 'x' FROM "
      "generate_series(1, 1000) g");
  target_sql(
      "CREATE TABLE profiles (id bigint, data text); INSERT INTO profiles SELECT g, 'x' FROM "
      "generate_series(1, 1000) g");
  expect_equal_rows(1000);
  target_sql("INSERT INTO profiles VALUES (77, 'x')");
  EXPECT_EQ(differences(verified(1)), (Rows{"id=77 1:2"}));
}

TEST_F(Verify, KeysOfOtherTypes) {
  both_sql(
      "CREATE TABLE profiles (tenant uuid, at timestamptz, name text COLLATE \"C\", data int, PRIMARY KEY "
      "(tenant, at, name)); "
      "INSERT INTO profiles SELECT md5((g % 7)::text)::uuid, '2026-01-01'::timestamptz + g * interval '1 "
      "second', 'n\\' || g, g "
      "FROM generate_series(1, 20000) g; ANALYZE profiles");
  const auto table = expect_equal_rows(20'000, {"--batch-bytes", "64kB"});
  EXPECT_THAT(table["strategy"], HasSubstr("key (tenant, at, name)"));
  EXPECT_GT(table["chunks"], 5);
  target_sql("UPDATE profiles SET data = 0 WHERE data = 12345; DELETE FROM profiles WHERE data = 777");
  const auto found = verified(1, {"--batch-bytes", "64kB"});
  EXPECT_EQ(found["differences"], 2);
  EXPECT_EQ(found["rows"][0]["key"].size(), 3);
}

// Ranges of text are other rows where text sorts otherwise.
TEST_F(Verify, TextThatSortsOtherwise) {
  source_sql("CREATE TABLE profiles (name text COLLATE \"C\" PRIMARY KEY, data int)");
  target_sql("CREATE TABLE profiles (name text COLLATE \"und-x-icu\" PRIMARY KEY, data int)");
  both_sql(
      "INSERT INTO profiles SELECT chr(65 + g % 26 + 32 * (g % 2)) || g, g FROM generate_series(1, 5000) g");
  EXPECT_THAT(expect_equal_rows(5000)["strategy"], HasSubstr("as a whole"));
  target_sql("UPDATE profiles SET data = 0 WHERE data = 55");
  EXPECT_EQ(verified(1)["differences"], 2);  // the row as it is there, and as it should be
}

TEST_F(Verify, ColumnsInAnotherOrderAndTypesThatFit) {
  source_sql(
      "CREATE TABLE profiles (id int PRIMARY KEY, a smallint, b varchar(10), c char(4)); "
      "INSERT INTO profiles SELECT g, g, 'b' || g, 'c' FROM generate_series(1, 1000) g");
  target_sql("CREATE TABLE profiles (b text, c char(4), id bigint PRIMARY KEY, a int)");
  copied();
  expect_equal_rows(1000);
  target_sql("UPDATE profiles SET b = b || ' ' WHERE id = 9");
  EXPECT_EQ(differences(verified(1)), (Rows{"id=9 1:1 b"}));
}

TEST_F(Verify, SeveralTables) {
  make_profiles(100);
  both_sql("CREATE TABLE other (id int PRIMARY KEY)");
  copied();
  target_sql("INSERT INTO other VALUES (1)");
  const auto result = verify({"--table", profiles, "--table", "other", "--json"});
  EXPECT_EQ(result.status, 1);
  const auto tables = json_of(result)["tables"];
  EXPECT_EQ(tables[0]["state"], "equal");
  EXPECT_EQ(tables[1]["state"], "different");
}

TEST_F(Verify, ALimitSaysThatMoreIsLeft) {
  make_profiles(20'000);
  source_sql("CREATE TABLE empty (LIKE profiles)");
  target_sql("CREATE TABLE profiles (id bigint PRIMARY KEY, data jsonb)");
  const auto table = verified(1, {"--batch-bytes", "64kB", "--limit", "10"});
  EXPECT_EQ(table["rows"].size(), 10);
  EXPECT_GE(table["differences"], 10);
  EXPECT_GT(table["chunks_left"], 0);
}

TEST_F(Verify, Counts) {
  make_profiles(20'000);
  copied();
  target_sql("UPDATE profiles SET data = '{}'");
  EXPECT_EQ(verified(0, {"--counts"})["state"], "equal_counts");
  target_sql("DELETE FROM profiles WHERE id = 30000");
  const auto table = verified(1, {"--counts", "--batch-bytes", "64kB"});
  EXPECT_EQ(table["differences"], 1);
  ASSERT_EQ(table["ranges"].size(), 1);
  EXPECT_THAT(table["ranges"][0]["range"], HasSubstr("id in ["));
  EXPECT_EQ(table["ranges"][0]["on_source"], table["ranges"][0]["on_target"].get<int>() + 1);
}

// A row that an index has missed.
TEST_F(Verify, AStaleIndex) {
  make_profiles(20'000);
  copied();
  expect_equal_rows(20'000, {"--seq-scan"});
  target_sql("UPDATE pg_index SET indisready = false WHERE indexrelid = 'profiles_pkey'::regclass");
  target_sql("INSERT INTO profiles VALUES (1000000, '{}')");
  target_sql("UPDATE pg_index SET indisready = true WHERE indexrelid = 'profiles_pkey'::regclass");
  const auto result = verify({"--seq-scan"});
  EXPECT_EQ(result.status, 1) << result;
  EXPECT_THAT(result.out,
              HasSubstr("profiles_pkey on the target, id >= 60001: 0 rows by the index, 1 row in the table"));
  EXPECT_THAT(result.out, HasSubstr("id = 1000000: is on the target only"));
}

TEST_F(Verify, AStaleIndexOfAnotherKind) {
  both_sql(
      "CREATE TABLE profiles (a uuid, b int, PRIMARY KEY (a, b)); "
      "INSERT INTO profiles SELECT md5(g::text)::uuid, g FROM generate_series(1, 5000) g; ANALYZE profiles");
  expect_equal_rows(5000, {"--seq-scan"});
  source_sql("UPDATE pg_index SET indisready = false WHERE indexrelid = 'profiles_pkey'::regclass");
  source_sql("INSERT INTO profiles VALUES (gen_random_uuid(), 0)");
  source_sql("UPDATE pg_index SET indisready = true WHERE indexrelid = 'profiles_pkey'::regclass");
  const auto table = verified(1, {"--seq-scan"});
  ASSERT_EQ(table["suspected_indexes"].size(), 1);
  EXPECT_EQ(table["suspected_indexes"][0]["by_index"], 5000);
  EXPECT_EQ(table["suspected_indexes"][0]["in_table"], 5001);
  EXPECT_EQ(table["differences"], 1);
}

TEST_F(Verify, ASampleIsNotEqual) {
  make_profiles(20'000);
  copied();
  const auto table = verified(0, {"--sample", "20%", "--batch-bytes", "64kB"});
  EXPECT_EQ(table["state"], "equal_in_sample");
  EXPECT_GT(table["chunks"], 0);
  EXPECT_GT(table["chunks_passed_over"], table["chunks"]);
  EXPECT_LT(table["source_rows"], 15'000);
  EXPECT_EQ(verified(0, {"--sample", "100%"})["state"], "equal");
  target_sql("UPDATE profiles SET data = '{}'");
  EXPECT_EQ(verified(1, {"--sample", "0.1%", "--batch-bytes", "64kB", "--limit", "1"})["state"], "different");
}

TEST_F(Verify, Partitions) {
  both_sql(
      "CREATE TABLE profiles (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); "
      "CREATE TABLE p1 PARTITION OF profiles FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); "
      "CREATE TABLE p2 PARTITION OF profiles DEFAULT; "
      "INSERT INTO profiles SELECT g, '2026-01-01'::date + g % 100 FROM generate_series(1, 3000) g");
  expect_equal_rows(3000);
  target_sql("DELETE FROM p2 WHERE id = 99");
  EXPECT_EQ(verified(1)["differences"], 1);
}

TEST_F(Verify, WithAndWithoutTheTablesThatInherit) {
  source_sql(
      "CREATE TABLE profiles (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (profiles);"
      "INSERT INTO profiles SELECT generate_series(1, 100); INSERT INTO child SELECT generate_series(50, "
      "150)");
  copied();
  EXPECT_EQ(verified(0)["source_rows"], 201);
  EXPECT_EQ(verified(1, {"--only"})["source_rows"], 100);
  target_sql("DROP TABLE profiles");
  copied({"--only"});
  EXPECT_EQ(verified(0, {"--only"})["target_rows"], 100);
}

TEST_F(Verify, AStopIsNotEqual) {
  make_profiles(20'000);
  copied();
  const auto result = verify({"--batch-bytes", "64kB", "--sleep", "200ms", "--timeout", "1s"});
  EXPECT_EQ(result.status, 4) << result;
  EXPECT_THAT(result.out, HasSubstr("profiles: unfinished"));
  expect_no_session_left();
}

TEST_F(Verify, ASignalStopsIt) {
  make_profiles(20'000);
  copied();
  auto running = start_pghaul(command("verify", {"--batch-bytes", "64kB", "--sleep", "200ms"}));
  ASSERT_TRUE(wait_until([&] { return sessions_left() > 2; }));
  running.process().signal(SIGTERM);
  EXPECT_EQ(running.finish().status, 4);
  expect_no_session_left();
}

// It needs no more rights than to read, and leaves nothing: not even a ledger.
TEST_F(Verify, WritesNothing) {
  both_sql("CREATE TABLE profiles (id bigint PRIMARY KEY, data text); INSERT INTO profiles VALUES (1, 'x')");
  const auto role = database().substr(0, 40) + "_verifier";
  for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
    run_psql(
        conninfo,
        fmt::format("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN; GRANT SELECT ON profiles TO {0}", role));
  }
  const auto result =
      run_pghaul({"verify", "--source", source_server().conninfo(database(), role), "--target",
                  target_server().conninfo(database(), role), "--table", "profiles"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(target_sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'pghaul'"), "0");
}

}  // namespace
}  // namespace pghaul::test
