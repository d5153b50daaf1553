// Source tables that cannot be copied as asked: refused, and nothing is written.
#include "scenario/bad_input.h"

namespace pghaul::test {
namespace {

TEST_F(BadInput, MissingTable) {
  expect_refused({}, {"public.profiles: there is no such table on the source", "[SQLSTATE 42P01]", "check the name"});
  make_profiles(1);
  expect_refused({"--table", "\"Profiles\""}, {"public.\"Profiles\": there is no such table", "folded to lower case"});
  expect_refused({"--table", "other.profiles"}, {"other.profiles: there is no such table"});
  expect_usage({"--table", "a.b.c"}, {"--table"});
}

TEST_F(BadInput, SeveralTablesAreAllLookedAtFirst) {
  make_profiles(1);
  expect_refused({"--table", profiles, "--table", "public.first", "--table", "public.second"},
                 {"public.first: there is no such table", "public.second: there is no such table"});
}

TEST_F(BadInput, H11_NoRightToRead) {
  make_profiles(1);
  const auto role = make_role();
  expect_refused_between(source_as(role), target_conninfo(),
                         {"public.profiles: role " + role + " may not read the source table [SQLSTATE 42501]",
                          "next:   on the source: GRANT SELECT ON TABLE public.profiles TO " + role});
  source_sql("GRANT SELECT (id) ON public.profiles TO " + role);
  expect_refused_between(source_as(role), target_conninfo(), {"GRANT SELECT ON TABLE public.profiles TO " + role});
  // What was asked for is enough, and so is the advice.
  auto result = run_pghaul({"copy", "--source", source_as(role), "--target", target_conninfo(), "--table", profiles,
                            "--columns", "id", "--progress", "none"});
  EXPECT_EQ(result.status, 0) << result;
  source_sql("GRANT SELECT ON TABLE public.profiles TO " + role);
  result = run_pghaul({"copy", "--source", source_as(role), "--target", target_conninfo(), "--table", profiles,
                       "--progress", "none", "--full"});
  EXPECT_THAT(result.err, Not(HasSubstr("42501"))) << result;
}

TEST_F(BadInput, H11_NoRightToReadSomeColumns) {
  make_profiles(1);
  const auto role = make_role();
  source_sql("GRANT SELECT (id) ON public.profiles TO " + role);
  expect_error(3, {"copy", "--source", source_as(role), "--target", target_conninfo(), "--table", profiles, "--columns",
                   "id,data"},
               {"[SQLSTATE 42501]", "GRANT SELECT (data) ON TABLE public.profiles TO " + role});
}

TEST_F(BadInput, H11_NoRightToUseTheSourceSchema) {
  source_sql("CREATE SCHEMA hidden; CREATE TABLE hidden.t (id int PRIMARY KEY)");
  const auto role = make_role();
  source_sql("GRANT SELECT ON hidden.t TO " + role);
  expect_error(3, {"copy", "--source", source_as(role), "--target", target_conninfo(), "--table", "hidden.t"},
               {"hidden.t: ", "[SQLSTATE 42501]", "GRANT USAGE ON SCHEMA hidden TO " + role});
}

TEST_F(BadInput, H7_NotOrdinaryTables) {
  make_profiles(1);
  source_sql(
      "CREATE VIEW public.a_view AS SELECT * FROM public.profiles;"
      "CREATE MATERIALIZED VIEW public.a_matview AS SELECT * FROM public.profiles;"
      "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;"
      "CREATE FOREIGN TABLE public.a_foreign (id int) SERVER nowhere;"
      "CREATE TABLE public.a_partitioned (id int) PARTITION BY RANGE (id);"
      "CREATE FOREIGN TABLE public.a_part PARTITION OF public.a_partitioned DEFAULT SERVER nowhere;"
      "CREATE TABLE public.a_parent (id int PRIMARY KEY);"
      "CREATE FOREIGN TABLE public.a_child () INHERITS (public.a_parent) SERVER nowhere");
  expect_refused({"--table", "a_view"}, {"public.a_view: it is a view", "name the table it stands on"});
  expect_refused({"--table", "a_matview"}, {"public.a_matview: it is a materialized view"});
  expect_refused({"--table", "a_foreign"}, {"public.a_foreign: it is a foreign table"});
  expect_refused({"--table", "profiles_id_seq"}, {"public.profiles_id_seq: it is a sequence"});
  expect_refused({"--table", "a_partitioned"}, {"foreign tables belong to it", "public.a_part", "copy them from where they are"});
  expect_refused({"--table", "a_parent"}, {"foreign tables belong to it", "public.a_child"});
  expect_refused({"--table", "a_partitioned", "--only"}, {"has no rows of its own for --only"});
  EXPECT_EQ(copy({"--table", "a_parent", "--only"}).status, 0);
}

TEST_F(BadInput, UnknownColumn) {
  make_profiles(1);
  expect_refused({"--columns", "id,colour"},
                 {"public.profiles: there is no column colour on the source", "[SQLSTATE 42703]", "correct --columns"});
  expect_refused({"--columns", "\"ID\""}, {"there is no column ID", "folded to lower case"});
}

TEST_F(BadInput, InvalidWhere) {
  make_profiles(1);
  expect_refused({"--where", "colour = 1"}, {"--where is not accepted by the source", "colour", "[SQLSTATE 42703]"});
  expect_refused({"--where", "id ="}, {"--where is not accepted", "[SQLSTATE 42601]", "correct the condition"});
  expect_refused({"--where", "id"}, {"--where is not accepted", "[SQLSTATE 42804]"});
  expect_refused({"--where", "no_such_function(id)"}, {"[SQLSTATE 42883]"});
  expect_refused({"--where", "count(*) > 1"}, {"[SQLSTATE 42803]"});
}

TEST_F(BadInput, ASecondStatementInWhere) {
  make_profiles(3);
  for (const char* condition :
       {"true; DROP TABLE public.profiles; --", "true); DROP TABLE public.profiles; --",
        "true) TO STDOUT; DROP TABLE public.profiles; --", "true)) TO STDOUT; DROP TABLE public.profiles; COPY (SELECT (1"}) {
    expect_refused({"--where", condition}, {"--where is not accepted by the source", "[SQLSTATE 42601]"});
  }
  // One statement, but it would write.
  source_sql("CREATE FUNCTION public.wipe() RETURNS boolean LANGUAGE plpgsql AS "
             "$$BEGIN DELETE FROM public.profiles; RETURN true; END$$");
  const auto result = copy({"--where", "public.wipe()"});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 25006]"));
  EXPECT_EQ(source_sql("SELECT count(*) FROM public.profiles"), "3");
}

TEST_F(BadInput, H5_RowLevelSecurityIsAnErrorAndNeverASubset) {
  make_profiles(10);
  const auto role = make_role();
  source_sql(fmt::format("GRANT SELECT ON public.profiles TO {0}; ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY; "
                         "CREATE POLICY few ON public.profiles TO {0} USING (id < 10)",
                         role));
  const std::vector<std::string> words{"public.profiles: row-level security", "on the source", "[SQLSTATE 42501]",
                                       "BYPASSRLS"};
  expect_refused_between(source_as(role), target_conninfo(), words);
  // A policy that hides nothing is one that may hide something tomorrow.
  source_sql("ALTER POLICY few ON public.profiles USING (true)");
  expect_refused_between(source_as(role), target_conninfo(), words);
  source_sql("ALTER ROLE " + role + " BYPASSRLS");
  const auto result = run_pghaul({"copy", "--source", source_as(role), "--target", target_conninfo(), "--table", profiles});
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
}

// Row-level security that comes while rows are read.
TEST_F(BadInput, H5_RowLevelSecurityInMidCopy) {
  make_profiles(4000);
  const auto role = make_role();
  source_sql("GRANT SELECT ON public.profiles TO " + role);
  auto running = start_pghaul({"copy", "--source", source_as(role), "--target", target_conninfo(), "--table", profiles,
                               "--batch-bytes", "64kB", "--readers", "1", "--sleep", "100ms", "--snapshot", "chunk",
                               "--progress", "none"});
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(); }));
  source_sql("ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 42501]"));
  EXPECT_THAT(result.err, HasSubstr("public.profiles"));
}

TEST_F(BadInput, AKeyIsAskedForWhereThereIsNone) {
  source_sql("CREATE TABLE public.t (id int)");
  expect_refused({"--table", "t", "--chunk-by", "key"}, {"no key to cut by", "--chunk-by auto", "public.t"});
}

}  // namespace
}  // namespace pghaul::test
