// Targets that rows cannot, or should not, go into: refused, and nothing is written.
#include "scenario/bad_input.h"

namespace pghaul::test {
namespace {

class BadTarget : public BadInput {
 protected:
  void make_both() const {
    make_profiles(3);
    target_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb)");
  }
  // As a role that may do everything in its own schemas and nothing else.
  ProgramResult copy_as(const std::string& role) const {
    return run_pghaul({"copy", "--source", source_conninfo(), "--target", target_as(role), "--table", profiles,
                       "--progress", "none"});
  }
};

TEST_F(BadTarget, H11_NoRightToCreateTheTable) {
  make_profiles(1);
  const auto role = make_role();
  target_sql(fmt::format("GRANT CREATE ON DATABASE {} TO {}", database(), role));
  expect_refused_between(source_conninfo(), target_as(role),
                         {"public.profiles: role " + role + " may not create the table on the target [SQLSTATE 42501]",
                          "on the target: GRANT CREATE ON SCHEMA \"public\" TO \"" + role});
  target_sql("GRANT CREATE ON SCHEMA public TO " + role);
  const auto result = copy_as(role);
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
}

TEST_F(BadTarget, H11_NoRightToCreateTheLedger) {
  make_both();
  const auto role = make_role();
  target_sql("GRANT ALL ON public.profiles TO " + role);
  expect_refused_between(source_conninfo(), target_as(role),
                         {"role " + role + " may not create the ledger on the target [SQLSTATE 42501]",
                          fmt::format("on the target: GRANT CREATE ON DATABASE \"{}\" TO \"{}\"", database(), role)});
}

TEST_F(BadTarget, H11_NoRightToUseTheLedgerOfSomebodyElse) {
  make_profiles(1);
  copied();
  const auto role = make_role();
  target_sql(fmt::format("GRANT ALL ON public.profiles TO {0}; GRANT CREATE ON DATABASE {1} TO {0}", role, database()));
  expect_refused_between(source_conninfo(), target_as(role), {"pghaul: target: \"pghaul\": permission denied for schema pghaul [SQLSTATE 42501]",
                          "as the role that made this ledger, or give another --ledger-schema"});
}

TEST_F(BadTarget, H11_NoRightToCreateTheSchema) {
  source_sql("CREATE SCHEMA far; CREATE TABLE far.t (id int PRIMARY KEY)");
  const auto role = make_role();
  target_sql(fmt::format("CREATE SCHEMA pghaul AUTHORIZATION {}", role));
  expect_error(3, {"copy", "--source", source_conninfo(), "--target", target_as(role), "--table", "far.t"},
               {"far.t: role " + role + " may not create the table", "[SQLSTATE 42501]",
                fmt::format("GRANT CREATE ON DATABASE \"{}\" TO \"{}\"", database(), role)});
}

TEST_F(BadTarget, H11_NoRightToWrite) {
  make_both();
  const auto role = make_role();
  target_sql(fmt::format("GRANT CREATE ON DATABASE {} TO {}", database(), role));
  expect_refused_between(source_conninfo(), target_as(role),
                         {"public.profiles: role " + role + " lacks rights on the target table [SQLSTATE 42501]",
                          "GRANT SELECT, INSERT, DELETE, TRUNCATE ON TABLE public.profiles TO " + role});
  target_sql("GRANT SELECT ON public.profiles TO " + role);
  expect_refused_between(source_conninfo(), target_as(role), {"GRANT INSERT, DELETE, TRUNCATE ON TABLE"});
  target_sql("GRANT INSERT, DELETE, TRUNCATE ON public.profiles TO " + role);
  const auto result = copy_as(role);
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
}

TEST_F(BadTarget, C11_ReadOnly) {
  make_profiles(1);
  const auto role = make_role();
  target_sql(fmt::format("GRANT CREATE ON DATABASE {0} TO {1}; GRANT CREATE ON SCHEMA public TO {1}", database(), role));
  const std::vector<std::string> words{"the target is read only (default_transaction_read_only)",
                                       "connect to a server and with a role that may write"};
  target_sql(fmt::format("ALTER ROLE {} SET default_transaction_read_only = on", role));
  expect_refused_between(source_conninfo(), target_as(role), words);
  target_sql(fmt::format("ALTER ROLE {} RESET ALL", role));
  run_psql(target_server().conninfo(), fmt::format("ALTER DATABASE {} SET default_transaction_read_only = on", database()));
  expect_refused_between(source_conninfo(), target_as(role), words);
  expect_refused_between(source_conninfo(), target_conninfo() + " options='-c default_transaction_read_only=on'", words);
}

TEST_F(BadTarget, G17_ColumnMissing) {
  make_profiles(1);
  target_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY)");
  expect_refused({}, {"public.profiles", "the target has no such column for jsonb of the source", "data",
                      "alter the target table, or choose columns with --columns"});
  EXPECT_EQ(copy({"--columns", "id"}).status, 0);
}

TEST_F(BadTarget, G18_ColumnNarrower) {
  source_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY, name varchar(20), price numeric(10,2), at timestamptz)");
  const auto expect_misfit = [&](const std::string& columns, const std::string& words) {
    target_sql("DROP TABLE IF EXISTS public.profiles; CREATE TABLE public.profiles (" + columns + ")");
    expect_refused({}, {"does not fit the target: public.profiles.", words});
  };
  const std::string name = ", name varchar(20)", price = ", price numeric(10,2)", at = ", at timestamptz";
  expect_misfit("id int" + name + price + at, "bigint of the source does not fit into integer");
  expect_misfit("id bigint, name varchar(19)" + price + at, "does not fit into character varying(19)");
  expect_misfit("id bigint" + name + ", price numeric(9,2)" + at, "does not fit into numeric(9,2)");
  expect_misfit("id bigint" + name + ", price numeric(10,1)" + at, "does not fit into numeric(10,1)");
  expect_misfit("id bigint" + name + price + ", at timestamp", "does not fit into timestamp without time zone");
  expect_misfit("id bigint, name text, price text" + at, "numeric(10,2) of the source does not fit into text");
}

TEST_F(BadTarget, G17_NotNullWithoutDefault) {
  make_profiles(1);
  target_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb, loaded_by text NOT NULL)");
  expect_refused({}, {"public.profiles.loaded_by: NOT NULL and without a default on the target, but not copied"});
  target_sql("ALTER TABLE public.profiles ALTER loaded_by SET DEFAULT 'pghaul'");
  EXPECT_EQ(copy().status, 0);
  EXPECT_EQ(target_sql("SELECT loaded_by FROM public.profiles"), "pghaul");
}

TEST_F(BadTarget, H4_Triggers) {
  make_both();
  target_sql("CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"
             "CREATE TRIGGER audit BEFORE INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.f()");
  expect_refused({}, {"public.profiles: ", "user triggers", "audit", "--allow triggers"});
  expect_refused({"--allow", "foreign-keys"}, {"user triggers"});
  EXPECT_EQ(copy({"--allow", "triggers"}).status, 0);
  expect_equal();
}

TEST_F(BadTarget, H3_ForeignKeysOutAndIn) {
  make_both();
  target_sql("CREATE TABLE public.notes (profile bigint CONSTRAINT of_profile REFERENCES public.profiles)");
  expect_refused({}, {"public.profiles: ", "foreign keys", "of_profile", "--allow foreign-keys"});
  target_sql("DROP TABLE public.notes; CREATE TABLE public.tenants (id bigint PRIMARY KEY);"
             "INSERT INTO public.tenants SELECT generate_series(1, 100);"
             "ALTER TABLE public.profiles ADD CONSTRAINT to_tenant FOREIGN KEY (id) REFERENCES public.tenants");
  expect_refused({}, {"public.profiles: ", "foreign keys", "to_tenant", "--allow foreign-keys"});
  EXPECT_EQ(copy({"--allow", "foreign-keys"}).status, 0);
  expect_equal();
}

TEST_F(BadTarget, C3_Unlogged) {
  make_profiles(1);
  target_sql("CREATE UNLOGGED TABLE public.profiles (id bigint PRIMARY KEY, data jsonb)");
  expect_refused({}, {"public.profiles: the target table is unlogged", "ALTER TABLE \"public\".\"profiles\" SET LOGGED"});
}

TEST_F(BadTarget, H1_NotEmpty) {
  make_both();
  target_sql("INSERT INTO public.profiles VALUES (5, '{\"mine\": true}')");
  expect_refused({}, {"public.profiles: the target table is not empty", "--full", "--on-conflict skip or update"});
  EXPECT_EQ(target_sql("SELECT * FROM public.profiles"), "5|{\"mine\": true}");
}

TEST_F(BadTarget, H7_NotATable) {
  make_profiles(1);
  target_sql("CREATE VIEW public.profiles AS SELECT 1::bigint AS id, '{}'::jsonb AS data");
  expect_refused({}, {"public.profiles: it is a view on the target", "drop or rename it"});
}

TEST_F(BadTarget, H12_TypeUnknown) {
  source_sql("CREATE TYPE public.mood AS ENUM ('sad', 'happy'); CREATE TABLE public.t (id int PRIMARY KEY, m public.mood)");
  expect_refused({"--table", "t"}, {"public.t: the target does not know type public.mood", "[SQLSTATE 42704]",
                                    "create the type or extension on the target first"});
  target_sql("CREATE TYPE public.mood AS ENUM ('sad', 'happy')");
  EXPECT_EQ(copy({"--table", "t"}).status, 0);
}

TEST_F(BadTarget, H6_RowLevelSecurity) {
  make_both();
  const auto role = make_role();
  target_sql(fmt::format("GRANT CREATE ON DATABASE {0} TO {1}; GRANT ALL ON public.profiles TO {1};"
                         "ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY",
                         database(), role));
  expect_refused_between(source_conninfo(), target_as(role),
                         {"public.profiles: row-level security is active for this role on the target", "BYPASSRLS"});
}

TEST_F(BadTarget, TheTableIsGoneOrEmptiedAfterwards) {
  make_profiles(3);
  copied();
  target_sql("TRUNCATE public.profiles");
  expect_refused({}, {"the target table is empty, but the ledger says that 3 rows are in it", "--full"});
  target_sql("DROP TABLE public.profiles");
  expect_refused({}, {"the target table is gone", "--full creates and copies it anew"});
  copied({"--full"});
  expect_equal();
}

TEST_F(BadTarget, F4_TheSourceIsAnotherTableAfterwards) {
  make_profiles(3);
  copied();
  source_sql("TRUNCATE public.profiles; INSERT INTO public.profiles VALUES (1, '{}')");
  expect_refused({}, {"the source table was truncated or rewritten", "--full"});
  source_sql("ALTER TABLE public.profiles ADD more text");
  expect_refused({}, {"the columns of the source table were altered", "--full"});
  source_sql("DROP TABLE public.profiles; CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb)");
  expect_refused({}, {"the source table was dropped and created anew", "--full"});
}

}  // namespace
}  // namespace pghaul::test
