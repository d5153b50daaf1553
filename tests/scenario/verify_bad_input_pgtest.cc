// Comparisons that cannot be made: a clear answer before anything runs.
#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

class VerifyBadInput : public VerifyTest {
 protected:
  void expect_refused(const std::vector<std::string>& words, const Arguments& more = {}) const {
    const auto result = verify(more);
    EXPECT_EQ(result.status, 3) << result;
    for (const auto& word : words) {
      EXPECT_THAT(result.err, HasSubstr(word)) << result;
      EXPECT_EQ(result.err.find(word), result.err.rfind(word)) << "told twice: " << result;
    }
    EXPECT_EQ(result.out, "");
  }
};

TEST_F(VerifyBadInput, ATableOnOneSideOnly) {
  source_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  expect_refused({"there is no such table on the target"});
  target_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  source_sql("DROP TABLE profiles");
  expect_refused({"there is no such table on the source"});
}

TEST_F(VerifyBadInput, OtherColumns) {
  source_sql("CREATE TABLE profiles (id int PRIMARY KEY, a text)");
  target_sql("CREATE TABLE profiles (id int PRIMARY KEY, b text)");
  expect_refused({"there is no column a on the target", "column b is on the target only"});
  expect_equal_rows(0, {"--columns", "id"});
  expect_refused({"there is no column c on the source"}, {"--columns", "id,c"});
}

TEST_F(VerifyBadInput, OtherTypes) {
  source_sql("CREATE TABLE profiles (id int PRIMARY KEY, a text)");
  target_sql("CREATE TABLE profiles (id int PRIMARY KEY, a int)");
  expect_refused({"column a is text on the source and integer on the target"});
}

TEST_F(VerifyBadInput, NoTables) {
  source_sql("CREATE TABLE t (id int); CREATE VIEW profiles AS SELECT * FROM t");
  target_sql("CREATE TABLE profiles (id int)");
  expect_refused({"it is no table on the source"});
}

TEST_F(VerifyBadInput, NoRight) {
  both_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  const auto role = database().substr(0, 40) + "_nobody";
  target_sql(fmt::format("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN", role));
  const auto result = run_pghaul({"verify", "--source", source_conninfo(), "--target",
                                  target_server().conninfo(database(), role), "--table", "profiles"});
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("on the target: GRANT SELECT ON TABLE public.profiles TO")) << result;
}

TEST_F(VerifyBadInput, AConditionThatIsNone) {
  both_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  expect_refused({"--where is not accepted by the source"}, {"--where", "nothing = 1"});
}

TEST_F(VerifyBadInput, ATableWithItself) {
  both_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  for (const auto& again : {source_conninfo(), source_server().socket_conninfo(database())}) {
    const auto result =
        run_pghaul({"verify", "--source", source_conninfo(), "--target", again, "--table", "profiles"});
    EXPECT_EQ(result.status, 3) << result;
    EXPECT_THAT(result.err, HasSubstr("source and target are the same database " + database())) << result;
    EXPECT_THAT(result.err, HasSubstr("check --source and --target")) << result;
  }
}

// Warned of, as a copy warns; no reason to refuse.
TEST_F(VerifyBadInput, ASuperuserOnTheSource) {
  both_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  const std::string words = "the source role postgres is a superuser";
  const auto result = verify();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("warning: " + words)) << result;
  EXPECT_THAT(result.out, HasSubstr(words)) << "in the report";
  const auto role = database().substr(0, 40) + "_reader";
  source_sql(fmt::format("CREATE ROLE {0} LOGIN; GRANT SELECT ON profiles TO {0}", role));
  const auto quiet = run_pghaul({"verify", "--source", source_server().conninfo(database(), role), "--target",
                                 target_conninfo(), "--table", "profiles"});
  EXPECT_EQ(quiet.status, 0) << quiet;
  EXPECT_THAT(quiet.err + quiet.out, Not(HasSubstr("superuser"))) << quiet;
}

TEST_F(VerifyBadInput, ADeadServerIsNotEqual) {
  both_sql("CREATE TABLE profiles (id int PRIMARY KEY)");
  const auto result = run_pghaul({"verify", "--source", source_conninfo(), "--target",
                                  "host=127.0.0.1 port=1 dbname=x", "--table", "profiles"});
  EXPECT_EQ(result.status, 3) << result;
}

}  // namespace
}  // namespace pghaul::test
