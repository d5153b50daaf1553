// S37, H11: the roles of docs/security.md, made out of its text, are enough for everything, and each right of
// them is needed: without it nothing is written, and the message has the GRANT to type.
#include "security/rights.h"

namespace pghaul::test {
namespace {

class Rights : public RightsTest {
 protected:
  void make_target_table() const {
    target_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb)");
  }
  Arguments as_roles(const std::string& verb, const Arguments& more = {}) const {
    Arguments arguments{verb,      "--source", source_as("hauler"), "--target", target_as("loader"),
                        "--table", profiles,   "--progress",        "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // All that a copy does, from the first to late rows.
  void expect_whole_life() const {
    expect_runs(as_roles("plan"));
    expect_runs(as_roles("copy", {"--batch-bytes", "64kB", "--max-chunks", "2"}), 4);
    expect_runs({"status", "--target", target_as("loader")});
    expect_runs(as_roles("copy", {"--batch-bytes", "64kB"}));
    expect_equal();
    source_sql("INSERT INTO public.profiles VALUES (1, '{}'), (2, '{}')");
    add_profiles(100, 5000);
    expect_runs(as_roles("copy", {"--late-rows", "scan"}));
    expect_equal();
    expect_runs(as_roles("copy", {"--full", "--snapshot", "chunk"}));
    expect_equal();
    expect_no_session_left();
  }
  void expect_missing(const std::string& grant, const Arguments& more = {}) const {
    expect_error(3, as_roles("copy", more), {"[SQLSTATE 42501]", grant});
  }
};

TEST_F(Rights, S37_ToCreateTheTable) {
  grant("source");
  grant("target");
  grant("target, to create the table");
  expect_whole_life();
  EXPECT_EQ(target_sql("SELECT tableowner FROM pg_tables WHERE tablename = 'profiles'"), "loader");
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
}

TEST_F(Rights, S37_ForATableThatIsThere) {
  make_target_table();
  grant("source");
  grant("target");
  grant("target, a table that is there");
  expect_whole_life();
}

TEST_F(Rights, S37_ToMerge) {
  make_target_table();
  target_sql("INSERT INTO public.profiles VALUES (3, '\"old\"'), (1000000, '\"theirs\"')");
  grant("source");
  grant("target");
  grant("target, --on-conflict update");
  expect_runs(as_roles("plan", {"--on-conflict", "update"}));
  expect_runs(as_roles("copy", {"--on-conflict", "update", "--batch-bytes", "64kB"}));
  add_profiles(100, 5000);
  expect_runs(as_roles("copy", {"--on-conflict", "update", "--late-rows", "scan"}));
  EXPECT_EQ(target_sql("SELECT data FROM public.profiles WHERE id = 1000000"), "\"theirs\"");
  target_sql("DELETE FROM public.profiles WHERE id = 1000000");
  expect_equal();
}

// Leaves are read by themselves.
TEST_F(Rights, S37_Partitions) {
  source_sql("DROP TABLE public.profiles; CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb) PARTITION BY HASH (id);"
             "CREATE TABLE public.profiles_1 PARTITION OF public.profiles FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
             "CREATE TABLE public.profiles_2 PARTITION OF public.profiles FOR VALUES WITH (MODULUS 2, REMAINDER 1)");
  add_profiles(3000, 1);
  grant("source");
  grant("target");
  grant("target, to create the table");
  expect_missing("next:   on the source: GRANT SELECT ON TABLE public.profiles_1, public.profiles_2 TO hauler");
  grant("source, partitions or children");
  expect_whole_life();
  source_sql("REVOKE SELECT ON public.profiles FROM hauler");
  expect_missing("next:   on the source: GRANT SELECT ON TABLE public.profiles TO hauler");
}

// The only right that may be missing: the highest key then takes the place of the sequence, which is said.
TEST_F(Rights, S37_WithoutTheSequence) {
  grant("source", "SEQUENCE");
  grant("target");
  grant("target, to create the table");
  const auto result = run_pghaul(as_roles("copy"));
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("sequence public.profiles_id_seq was never used, or may not be read"));
}

TEST_F(Rights, H11_EachMissingRightOnTheSource) {
  grant("source");
  grant("target");
  grant("target, to create the table");
  const auto take = [&](const std::string& right) { source_sql("REVOKE " + right + " FROM hauler"); };
  const auto give = [&](const std::string& right) { source_sql("GRANT " + right + " TO hauler"); };
  take("CONNECT ON DATABASE " + database());
  expect_missing("next:   on the source: GRANT CONNECT ON DATABASE \"" + database() + "\" TO \"hauler\"");
  give("CONNECT ON DATABASE " + database());
  take("USAGE ON SCHEMA public");
  expect_missing("next:   on the source: GRANT USAGE ON SCHEMA public TO hauler");
  give("USAGE ON SCHEMA public");
  take("SELECT ON public.profiles");
  expect_missing("next:   on the source: GRANT SELECT ON TABLE public.profiles TO hauler");
  give("SELECT (id) ON public.profiles");
  expect_missing("GRANT SELECT ON TABLE public.profiles TO hauler");
  expect_missing("GRANT SELECT (data) ON TABLE public.profiles TO hauler", {"--columns", "id,data"});
  give("SELECT ON public.profiles");
  expect_runs(as_roles("copy"));
}

TEST_F(Rights, H11_EachMissingRightOnTheTarget) {
  grant("source");
  grant("target", "CREATE SCHEMA");
  const auto take = [&](const std::string& right) { target_sql("REVOKE " + right + " FROM loader"); };
  const auto give = [&](const std::string& right) { target_sql("GRANT " + right + " TO loader"); };
  const auto on_database = fmt::format("ON DATABASE \"{}\"", database());
  expect_missing("GRANT CREATE " + on_database + " TO \"loader\"");
  target_sql("CREATE SCHEMA pghaul AUTHORIZATION loader");
  expect_missing("next:   on the target: GRANT CREATE ON SCHEMA \"public\" TO \"loader\"");
  take("USAGE ON SCHEMA public");
  expect_missing("GRANT CREATE, USAGE ON SCHEMA \"public\" TO \"loader\"");
  give("CREATE ON SCHEMA public");
  expect_missing("GRANT USAGE ON SCHEMA \"public\" TO \"loader\"");
  give("USAGE ON SCHEMA public");
  for (const auto* right : {"TEMPORARY ", "CONNECT "}) {
    take(right + on_database);
    expect_missing(fmt::format("next:   on the target: GRANT {}{} TO \"loader\"", right, on_database));
    give(right + on_database);
  }
  expect_runs(as_roles("copy"));
}

TEST_F(Rights, H11_EachMissingRightOnATableThatIsThere) {
  make_target_table();
  grant("source");
  grant("target");
  const std::vector<std::string> all{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"};
  for (const auto& [needed, more] :
       {std::pair{std::vector<std::string>{"SELECT", "INSERT", "DELETE", "TRUNCATE"}, Arguments{}},
        {{"SELECT", "INSERT", "UPDATE"}, {"--on-conflict", "update"}},
        {{"SELECT", "INSERT"}, {"--on-conflict", "skip"}}}) {
    for (const auto& missing : needed) {
      target_sql("REVOKE ALL ON public.profiles FROM loader");
      for (const auto& right : all) {
        if (right != missing) target_sql(fmt::format("GRANT {} ON public.profiles TO loader", right));
      }
      expect_missing(
          fmt::format("next:   on the target: GRANT {} ON TABLE public.profiles TO loader", missing), more);
    }
  }
  target_sql("REVOKE USAGE ON SCHEMA public FROM loader");
  expect_missing("GRANT USAGE ON SCHEMA public TO loader");
}

// A ledger of another role's: nothing of it can be read.
TEST_F(Rights, H11_SomebodyElsesLedger) {
  grant("source");
  grant("target", "CREATE SCHEMA");
  grant("target, to create the table");
  ASSERT_EQ(copy({"--ledger-schema", "pghaul"}).status, 0);
  expect_missing("connect to the target as the role that made this ledger, or give another --ledger-schema");
}

}  // namespace
}  // namespace pghaul::test
