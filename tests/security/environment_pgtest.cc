// S54: libpq's variables are the user's to set, but none of them changes a job in silence, nor what its
// safety rests on.
#include <fstream>

#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

class EnvironmentVariables : public CopyTest {
 protected:
  EnvironmentVariables() { make_profiles(50); }
};

TEST_F(EnvironmentVariables, S54_OptionsAreSaidAndWeakenNothing) {
  source_sql(
      "CREATE TABLE loot (v text); CREATE FUNCTION public.steal(bigint) RETURNS boolean LANGUAGE plpgsql AS "
      "$$BEGIN INSERT INTO public.loot VALUES ($1); RETURN true; END$$");
  const Environment evil{{"PGOPTIONS",
                          "-c default_transaction_read_only=off -c search_path=public -c row_security=on "
                          "-c statement_timeout=500 -c DateStyle=SQL -c extra_float_digits=-15"}};
  const auto written = copy({"--where", "public.steal(id)"}, evil);
  EXPECT_THAT(written.err, HasSubstr("[SQLSTATE 25006]")) << written;
  EXPECT_EQ(source_sql("SELECT count(*) FROM public.loot"), "0");
  const auto result = copy({"--full", "--where", "id <> 30 OR pg_sleep(1.5) IS NOT NULL"}, evil);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err,
              HasSubstr("warning: the environment changes where and how both sides are reached: PGOPTIONS"));
  EXPECT_THAT(result.err, Not(HasSubstr("read_only=off")));
  expect_equal();
}

TEST_F(EnvironmentVariables, S54_AnAddressIsSaidAndShown) {
  const auto source =
      fmt::format("host=prod.example port={} dbname={} user=postgres", source_server().port(), database());
  const auto result =
      run_pghaul({"copy", "--source", source, "--target", target_conninfo(), "--table", profiles},
                 {{"PGHOSTADDR", "127.0.0.1"}});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("both sides are reached: PGHOSTADDR"));
  const auto compared =
      run_pghaul({"verify", "--source", source, "--target", target_conninfo(), "--table", profiles},
                 {{"PGHOSTADDR", "127.0.0.1"}});
  EXPECT_EQ(compared.status, 0) << compared;
  EXPECT_THAT(compared.err, HasSubstr("both sides are reached: PGHOSTADDR"));
  const auto refused = run_pghaul({"copy", "--source", "host=prod.example port=1 dbname=d user=u", "--target",
                                   target_conninfo(), "--table", profiles},
                                  {{"PGHOSTADDR", "127.0.0.1"}});
  EXPECT_EQ(refused.status, 3) << refused;
  EXPECT_THAT(refused.err, HasSubstr("source: prod.example (127.0.0.1):1/d: cannot connect"));
}

// A service file says where a name leads; that is seen in every message.
TEST_F(EnvironmentVariables, S54_AServiceIsShownAsTheServerItNames) {
  const auto file = testing::TempDir() + "pghaul_service_" + std::to_string(::getpid());
  std::ofstream(file) << fmt::format("[prod]\nhost=127.0.0.1\nport=1\ndbname=shop\n");
  const auto result =
      run_pghaul({"copy", "--source", "service=prod", "--target", target_conninfo(), "--table", profiles},
                 {{"PGSERVICEFILE", file}});
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("source: 127.0.0.1:1/shop: cannot connect"));
  ::unlink(file.c_str());
}

// The rest of what libpq reads from the environment: defaults, which the connection strings overrule.
TEST_F(EnvironmentVariables, S54_DefaultsAreOverruled) {
  const auto result = copy({}, {{"PGHOST", "203.0.113.1"},
                                {"PGPORT", "1"},
                                {"PGDATABASE", "evil"},
                                {"PGUSER", "evil"},
                                {"PGPASSWORD", "evil"},
                                {"PGAPPNAME", "evil"},
                                {"PGCLIENTENCODING", "SQL_ASCII"},
                                {"PGDATESTYLE", "German"},
                                {"PGTZ", "Asia/Kathmandu"},
                                {"PGGEQO", "off"}});
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
}

}  // namespace
}  // namespace pghaul::test
