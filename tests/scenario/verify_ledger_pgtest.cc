// Whether the target still has what was copied: by the checksums of the ledger, without the source.
#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

class VerifyLedger : public VerifyTest {
 protected:
  ProgramResult check(const Arguments& more = {}) const {
    Arguments arguments{"verify", "--from-ledger", "--target", target_conninfo(), "--progress", "none"};
    if (std::ranges::find(more, "--table") == more.end())
      arguments.insert(arguments.end(), {"--table", profiles});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_pghaul(arguments, {}, 120s);
  }
  nlohmann::json checked(int status, Arguments more = {}) const {
    more.emplace_back("--json");
    const auto result = check(more);
    EXPECT_EQ(result.status, status) << result;
    const auto document = json_of(result);
    return document.contains("tables") ? document["tables"][0] : nlohmann::json::object();
  }
  void expect_refused(const std::string& why, const Arguments& more = {}) const {
    const auto result = check(more);
    EXPECT_EQ(result.status, 3) << result;
    EXPECT_THAT(result.err, HasSubstr(why));
  }
};

TEST_F(VerifyLedger, WhatWasCopiedIsThere) {
  make_profiles(20'000);
  copied({"--batch-bytes", "64kB"});
  source_sql("DROP TABLE profiles");  // nobody asks it
  const auto table = checked(0);
  EXPECT_EQ(table["state"], "equal");
  EXPECT_EQ(table["source_rows"], 20'000);
  EXPECT_EQ(table["target_rows"], 20'000);
  EXPECT_GT(table["chunks"], 10);
  expect_no_session_left();
}

TEST_F(VerifyLedger, AByteARowANullAreMissed) {
  make_profiles(20'000);
  copied({"--batch-bytes", "64kB"});
  for (const std::string change :
       {"UPDATE profiles SET data = jsonb_set(data, '{name}', '\"x\"') WHERE id = 300",
        "DELETE FROM profiles WHERE id = 30000", "UPDATE profiles SET data = NULL WHERE id = 45000",
        "INSERT INTO profiles VALUES (1000000, '{}')", "INSERT INTO profiles VALUES (-1, NULL)"}) {
    target_sql("CREATE TABLE IF NOT EXISTS kept AS TABLE profiles; " + change);
    const auto table = checked(1);
    EXPECT_EQ(table["differences"], 1) << change;
    EXPECT_EQ(table["ranges"].size(), 1) << change;
    target_sql("DELETE FROM profiles; INSERT INTO profiles TABLE kept");
  }
  EXPECT_EQ(checked(0)["state"], "equal");
}

TEST_F(VerifyLedger, AfterAResumeAndGains) {
  make_profiles(10'000);
  stopped({"--max-chunks", "3", "--batch-bytes", "64kB"});
  expect_refused("its copy is not complete");
  copied({"--batch-bytes", "64kB"});
  add_profiles(5'000, 20'000);
  copied({"--batch-bytes", "64kB"});
  EXPECT_EQ(checked(0)["target_rows"], 15'000);
}

TEST_F(VerifyLedger, WithoutAKeyAsAWhole) {
  source_sql(
      "CREATE TABLE profiles (a int, b text); "
      "INSERT INTO profiles SELECT g % 100, 'x' FROM generate_series(1, 50000) g");
  copied({"--batch-bytes", "64kB"});
  EXPECT_THAT(checked(0)["strategy"], HasSubstr("as a whole"));
  target_sql("DELETE FROM profiles WHERE ctid = '(0,1)'; INSERT INTO profiles VALUES (1, 'y')");
  EXPECT_EQ(checked(1)["differences"], 1);
}

TEST_F(VerifyLedger, KeysOfOtherTypes) {
  source_sql(
      "CREATE TABLE profiles (id uuid PRIMARY KEY, n int); INSERT INTO profiles SELECT md5(g::text)::uuid, g "
      "FROM "
      "generate_series(1, 20000) g; ANALYZE profiles");
  copied({"--batch-bytes", "64kB"});
  EXPECT_THAT(checked(0)["strategy"], HasSubstr("ranges"));
  target_sql("UPDATE profiles SET n = 0 WHERE n = 500");
  EXPECT_EQ(checked(1)["differences"], 1);
}

TEST_F(VerifyLedger, PartitionsAndText) {
  source_sql(
      "CREATE TABLE profiles (id bigint, at date, kind text COLLATE \"und-x-icu\", PRIMARY KEY (kind, id, "
      "at)) "
      "PARTITION BY RANGE (at); "
      "CREATE TABLE p1 PARTITION OF profiles FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); "
      "CREATE TABLE p2 PARTITION OF profiles DEFAULT; "
      "INSERT INTO profiles SELECT g, '2026-01-01'::date + g % 100, 'k' || g % 7 FROM generate_series(1, "
      "3000) g");
  copied();
  EXPECT_EQ(checked(0)["target_rows"], 3000);
  target_sql("UPDATE profiles SET at = at + 1 WHERE id = 7");
  EXPECT_EQ(checked(1)["differences"], 1);
}

// Values travelled in the source's encoding, and the checksum is of these bytes.
TEST_F(VerifyLedger, OfASourceInLatin1) {
  const auto name = database().substr(0, 50) + "_latin1";
  run_psql(source_server().conninfo(),
           "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
  const auto source = source_server().conninfo(name);
  run_psql(
      source,
      "CREATE TABLE profiles (id int PRIMARY KEY, t text); INSERT INTO profiles VALUES (1, 'gr\u00fcn')");
  const auto result =
      run_pghaul({"copy", "--source", source, "--target", target_conninfo(), "--table", profiles});
  ASSERT_EQ(result.status, 0) << result;
  EXPECT_EQ(checked(0)["state"], "equal");
}

TEST_F(VerifyLedger, WhatCannotBeSaid) {
  expect_refused("there is no ledger");
  make_profiles(100);
  copied();
  expect_refused("the ledger knows no copy into this table", {"--where", "id > 3"});
  expect_refused("the ledger knows no copy into this table", {"--table", "other"});
  target_sql("ALTER TABLE profiles DROP COLUMN data");
  expect_refused("which this table cannot give any more");
  EXPECT_EQ(check({"--counts"}).status, 2);
}

TEST_F(VerifyLedger, MergedRowsAreNotItsOwn) {
  make_profiles(100);
  target_sql(
      "CREATE TABLE profiles (id bigint PRIMARY KEY, data jsonb); INSERT INTO profiles VALUES (3, '{}')");
  copied({"--on-conflict", "skip"});
  expect_refused("it may hold rows of others");
}

}  // namespace
}  // namespace pghaul::test
