// Roles and databases with settings that change how values look and what their text means: they are pinned.
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

class Settings : public CopyTest {
 protected:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  static inline const Pairs odd{{"DateStyle", "SQL, DMY"},        {"IntervalStyle", "sql_standard"},
                                {"TimeZone", "Asia/Kathmandu"},   {"extra_float_digits", "-9"},
                                {"bytea_output", "escape"},       {"standard_conforming_strings", "off"},
                                {"xmloption", "document"},        {"array_nulls", "off"},
                                {"quote_all_identifiers", "on"},  {"lc_monetary", "POSIX"},
                                {"lc_numeric", "POSIX"},          {"default_transaction_isolation", "serializable"},
                                {"client_encoding", "LATIN1"},    {"transform_null_equals", "on"}};
  static inline const Pairs other{{"DateStyle", "German"},      {"IntervalStyle", "iso_8601"},
                                  {"TimeZone", "America/Caracas"}, {"extra_float_digits", "3"},
                                  {"backslash_quote", "off"},   {"array_nulls", "off"},
                                  {"xmloption", "document"},    {"default_transaction_deferrable", "on"},
                                  {"search_path", "nowhere"},   {"escape_string_warning", "on"}};

  void set(const pg::ThrowawayServer& server, const Pairs& settings) const {
    std::string sql = fmt::format("ALTER DATABASE {} RESET ALL;", database());
    for (const auto& [name, value] : settings) sql += fmt::format("ALTER DATABASE {} SET {} = '{}';", database(), name, value);
    const auto version = run_psql(server.conninfo(), "SELECT current_setting('server_version_num')::int / 10000");
    if (std::stoi(version) >= 17) sql += fmt::format("ALTER DATABASE {} SET transaction_timeout = '700ms';", database());
    run_psql(server.conninfo(), sql);
  }
  // `more` is a column that decides whether rows travel in binary.
  void make_table(const std::string& more) const {
    const std::string both = "CREATE TYPE public.mood AS ENUM ('a\\b', 'NULL');";
    source_sql(both + "CREATE TABLE public.t (at timestamptz PRIMARY KEY, d date, i interval, f float8, b bytea, x xml, a text[], "
                      "n numeric(8,2), s text, m " + more + ");"
               "INSERT INTO public.t SELECT timestamptz '2020-02-01 00:00+00' + g * interval '31 h 0.000001 s', date '2020-02-01' + "
               "g, interval '-1 day 2 h' * g, 1 / (g + 0.1), '\\x00ff5c', 'text <b/>', ARRAY[NULL, 'NULL', 'a\\b', g::text], "
               "g / 3.0, E'back\\\\slash \\' \\u00e4' || g, NULL FROM generate_series(1, 900) g");
    target_sql(both);
  }
  void expect_same() const { expect_equal("public.t", "at"); }
};

TEST_F(Settings, DoNotChangeWhatIsCopied) {
  for (const auto* column : {"int", "public.mood[]"}) {
    SCOPED_TRACE(column);
    for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
      run_psql(conninfo, "SET client_min_messages = error; DROP TABLE IF EXISTS public.t; DROP TYPE IF EXISTS public.mood");
    }
    set(source_server(), {});
    set(target_server(), {});
    make_table(column);
    set(source_server(), odd);
    set(target_server(), other);
    copied({"--table", "t", "--batch-rows", "100", "--chunk-by", "key", "--full"});
    expect_same();
    EXPECT_EQ(target_sql("SELECT count(*) FROM public.t WHERE a[1] IS NULL AND a[2] = 'NULL'"), "900");
  }
}

// Bounds of a key are text in the ledger: they mean the same when the next run finds other settings.
TEST_F(Settings, MayChangeBetweenTwoRuns) {
  make_table("public.mood");
  set(source_server(), odd);
  set(target_server(), odd);
  const Arguments by_key{"--table", "t", "--batch-rows", "100", "--chunk-by", "key", "--sleep", "300ms"};
  auto some = by_key;
  some.insert(some.end(), {"--max-chunks", "4"});
  stopped(some);
  set(source_server(), other);
  set(target_server(), other);
  const auto report = copied(by_key);
  EXPECT_TRUE(report["tables"][0]["resumed"].get<bool>());
  expect_same();
}

}  // namespace
}  // namespace pghaul::test
