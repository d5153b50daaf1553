// Comparisons of partitioned tables and of trees of tables, by ranges of a key.
#include "scenario/verify_partitions.h"

namespace pghaul::test {
namespace {

TEST_F(VerifyPartitions, AlikeOnBothSides) {
  const auto strategy = compare(table(keyed, by_month + rest), table(keyed, by_month + rest), 10);
  EXPECT_THAT(strategy, HasSubstr("key (id, at)"));
  EXPECT_THAT(strategy, HasSubstr("in 3 tables"));
}

TEST_F(VerifyPartitions, APlainTarget) {
  const auto strategy = compare(table(keyed, by_month + rest), plain(keyed), 5);
  EXPECT_THAT(strategy, HasSubstr("key (id, at)"));
  EXPECT_THAT(strategy, HasSubstr("over all 3 tables"));
}

TEST_F(VerifyPartitions, APlainSource) {
  EXPECT_THAT(compare(plain(keyed), table(keyed, by_month + rest), 5), HasSubstr("key (id, at)"));
}

TEST_F(VerifyPartitions, OtherPartitionsThere) {
  const auto strategy = compare(table(keyed, by_month + rest), table(keyed, by_hash, "HASH (id)"), 5);
  EXPECT_THAT(strategy, HasSubstr("over all 3 tables"));
}

TEST_F(VerifyPartitions, AnIntegerKeyThatIsThePartitions) {
  const std::string halves =
      "CREATE TABLE low PARTITION OF profiles FOR VALUES FROM (MINVALUE) TO (5000);"
      "CREATE TABLE high PARTITION OF profiles FOR VALUES FROM (5000) TO (MAXVALUE);";
  const std::string columns = "id bigint PRIMARY KEY, at date, data text";
  both_sql(table(columns, halves, "RANGE (id)"));
  fill();
  const auto equal = expect_equal_rows(10'000, {"--batch-bytes", "64kB"});
  EXPECT_GT(equal["chunks"], 8);
  EXPECT_THAT(equal["strategy"], HasSubstr("in 2 tables"));
  change();
  EXPECT_EQ(differences(verified(1)), (Rows{"id=10 1:1 data", "id=40 1:0", "id=20000 0:1"}));
  target_sql("DROP TABLE profiles;" + plain("id int PRIMARY KEY, at date, data text"));
  source_sql("CREATE TABLE kept AS TABLE profiles");
  target_sql(
      "INSERT INTO profiles SELECT g, '2026-01-01'::date + g % 100, repeat('x', g % 50) "
      "FROM generate_series(1, 10000) g");
  expect_equal_rows(10'000, {"--batch-bytes", "64kB"});
}

// Of the root, and of columns alone: what ranges are cut by must ask for no more.
TEST_F(VerifyPartitions, RightsOnColumnsOfTheRootWillDo) {
  both_sql(table(keyed, by_month + rest));
  fill();
  const auto role = database().substr(0, 40) + "_reader";
  both_sql("CREATE ROLE " + role + " LOGIN; GRANT SELECT (id, at) ON profiles TO " + role);
  const auto result = run_pghaul({"verify", "--source", source_server().conninfo(database(), role),
                                  "--target", target_server().conninfo(database(), role), "--table", profiles,
                                  "--columns", "id,at", "--batch-bytes", "64kB", "--json"});
  EXPECT_EQ(result.status, 0) << result;
  const auto report = json_of(result)["tables"][0];
  EXPECT_THAT(report["strategy"].get<std::string>(), HasSubstr("over all 3 tables"));
  EXPECT_GT(report["chunks"], 5);
}

TEST_F(VerifyPartitions, AStaleIndexOfOnePartition) {
  both_sql(table("id bigint PRIMARY KEY, at date, data text",
                 "CREATE TABLE low PARTITION OF profiles FOR VALUES FROM (MINVALUE) TO (5000);"
                 "CREATE TABLE high PARTITION OF profiles FOR VALUES FROM (5000) TO (MAXVALUE);",
                 "RANGE (id)"));
  fill();
  EXPECT_THAT(expect_equal_rows(10'000, {"--seq-scan"})["strategy"], HasSubstr("no index is read"));
  target_sql("UPDATE pg_index SET indisready = false WHERE indexrelid = 'high_pkey'::regclass");
  target_sql("INSERT INTO profiles VALUES (20000, '2026-01-01', 'x')");
  target_sql("UPDATE pg_index SET indisready = true WHERE indexrelid = 'high_pkey'::regclass");
  const auto found = verified(1, {"--seq-scan"});
  ASSERT_EQ(found["suspected_indexes"].size(), 1) << found;
  EXPECT_EQ(differences(found), (Rows{"id=20000 0:1"}));
}

TEST_F(VerifyPartitions, ATreeOfTablesThatInherit) {
  const std::string tree =
      "CREATE TABLE profiles (id bigint PRIMARY KEY, at date, data text);"
      "CREATE TABLE child (PRIMARY KEY (id)) INHERITS (profiles);";
  const std::string other_half =
      "INSERT INTO child SELECT * FROM ONLY profiles WHERE id % 2 = 0 OR id < 100;"
      "DELETE FROM ONLY profiles WHERE id % 2 = 0;";
  both_sql(tree);
  fill();
  both_sql(other_half);  // odd ids below 100 are in both tables
  target_sql(
      "WITH moved AS (DELETE FROM ONLY profiles WHERE id > 5000 RETURNING *) INSERT INTO child SELECT * FROM "
      "moved");
  const auto equal = expect_equal_rows(10'050, {"--batch-bytes", "64kB"});
  EXPECT_THAT(equal["strategy"], HasSubstr("over all 2 tables"));
  EXPECT_GT(equal["chunks"], 5);
  target_sql(
      "DELETE FROM ONLY profiles WHERE id = 7; UPDATE child SET data = 'y' WHERE id = 8;"
      "DELETE FROM profiles WHERE id = 9");
  EXPECT_EQ(differences(verified(1)), (Rows{"id=7 2:1", "id=8 1:1 data", "id=9 2:0"}));
  target_sql("ALTER TABLE child DROP CONSTRAINT child_pkey");
  EXPECT_THAT(verified(1)["strategy"].get<std::string>(), HasSubstr("as a whole"));
}

}  // namespace
}  // namespace pghaul::test
