// S18, S19, S21: look-alikes of every function, operator, type and catalog that SQL could mean, in schemas
// that stand before pg_catalog for everybody who does not say otherwise. Each tells the server's log when it
// is called, and fails.
#include <fstream>
#include <sstream>

#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

// What cannot be made (arguments of internal types, say) is left out. A cast between the server's own types
// can be made by a superuser only, who needs no trojans.
constexpr auto plant_sql = R"(
SET search_path = pg_catalog; SET check_function_bodies = off;
CREATE SCHEMA postgres;
CREATE FUNCTION public.trojan() RETURNS boolean LANGUAGE plpgsql AS
  $$BEGIN RAISE LOG 'trojan: a catalog or type'; RAISE EXCEPTION 'trojan'; END$$;
DO $plant$
DECLARE f record; o record; r record; s text;
  body text := 'LANGUAGE plpgsql AS ''BEGIN RAISE LOG ''''trojan: %s''''; RAISE EXCEPTION ''''trojan''''; END''';
BEGIN
  FOREACH s IN ARRAY ARRAY['public', 'postgres'] LOOP
    FOR f IN SELECT oid, proname, pg_get_function_identity_arguments(oid) AS arguments FROM pg_proc
             WHERE pronamespace = 'pg_catalog'::regnamespace AND proname !~ '(in|out|recv|send)$' LOOP
      BEGIN
        EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS text ' || format(body, f.proname), s, f.proname, f.arguments);
      EXCEPTION WHEN OTHERS THEN NULL;
      END;
    END LOOP;
    FOR o IN SELECT oid, oprname, oprleft::regtype AS l, oprright::regtype AS r FROM pg_operator
             WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprkind = 'b' LOOP
      BEGIN
        EXECUTE format('CREATE FUNCTION %I.op%s(%s, %s) RETURNS boolean ' || format(body, 'an operator'), s, o.oid, o.l, o.r);
        EXECUTE format('CREATE OPERATOR %I.%s (FUNCTION = %I.op%s, LEFTARG = %s, RIGHTARG = %s)', s, o.oprname, s, o.oid,
                       o.l, o.r);
      EXCEPTION WHEN OTHERS THEN NULL;
      END;
    END LOOP;
    FOR r IN SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v') LOOP
      BEGIN
        EXECUTE format('CREATE VIEW %I.%I AS SELECT * FROM pg_catalog.%I WHERE public.trojan()', s, r.relname, r.relname);
      EXCEPTION WHEN invalid_table_definition THEN NULL;  -- columns of type anyarray
      END;
    END LOOP;
    FOR r IN SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b'
             AND typelem = 0 LOOP
      EXECUTE format('CREATE DOMAIN %I.%I AS pg_catalog.%I CHECK (public.trojan())', s, r.typname, r.typname);
    END LOOP;
  END LOOP;
END $plant$;
DO $$BEGIN
  EXECUTE format('ALTER DATABASE %I SET search_path = "$user", public, pg_catalog', current_database());
  EXECUTE format('ALTER ROLE postgres IN DATABASE %I SET search_path = "$user", public, pg_catalog', current_database());
END$$)";

std::string log_of(const pg::ThrowawayServer& server) {
  std::ostringstream text;
  text << std::ifstream(server.log_file()).rdbuf();
  return text.str();
}

// The first trojan that was called since `from`.
std::string first_call(const pg::ThrowawayServer& server, std::size_t from) {
  const auto log = log_of(server);
  const auto call = log.find("LOG:  trojan", from);
  return call == std::string::npos ? "" : log.substr(call, 1500);
}

class Trojans : public CopyTest {
 protected:
  static constexpr auto tables = {"t", "text_key", "no_key", "twins"};

  // For the test's own questions, which would call them, too.
  static std::string clean(const std::string& conninfo) {
    return conninfo + " options='-c search_path=pg_catalog'";
  }
  std::string on_source(const std::string& sql) const { return run_psql(clean(source_conninfo()), sql); }
  std::string on_target(const std::string& sql) const { return run_psql(clean(target_conninfo()), sql); }

  void make_tables() const {
    source_sql(
        "CREATE TYPE mood AS ENUM ('good', 'bad');"
        "CREATE TABLE t (id bigserial PRIMARY KEY, v text, m mood, n numeric, d timestamptz, g int GENERATED "
        "ALWAYS AS (1) "
        "STORED);"
        "INSERT INTO t (v, m, n, d) SELECT 'v' || g, 'good', g / 3.0, 'epoch' FROM generate_series(1, 3000) "
        "g;"
        "CREATE INDEX t_lower ON t (lower(v)) WHERE id > 5;"
        "CREATE TABLE text_key (name text PRIMARY KEY, v int); INSERT INTO text_key SELECT g::text, g FROM "
        "generate_series(1, 500) g;"
        "CREATE TABLE no_key (v text); INSERT INTO no_key SELECT repeat('x', 100) FROM generate_series(1, "
        "3000);"
        "CREATE TABLE twins (id int PRIMARY KEY, other int UNIQUE); INSERT INTO twins SELECT g, -g FROM "
        "generate_series(1, 500) g; ANALYZE");
    target_sql("CREATE TYPE mood AS ENUM ('good', 'bad')");
  }
  void plant() {
    run_psql(source_conninfo(), plant_sql);
    run_psql(target_conninfo(), plant_sql);
    source_log_ = log_of(source_server()).size();
    target_log_ = log_of(target_server()).size();
  }
  void expect_runs(const std::string& verb, const Arguments& more, int status = 0,
                   const Environment& environment = {}) const {
    auto arguments = command(verb, more);
    const auto result = run_pghaul(arguments, environment);
    EXPECT_EQ(result.status, status) << testing::PrintToString(more) << result;
    expect_no_call(verb + testing::PrintToString(more));
  }
  void expect_no_call(const std::string& where) const {
    EXPECT_EQ(first_call(source_server(), source_log_), "") << "source: " << where;
    EXPECT_EQ(first_call(target_server(), target_log_), "") << "target: " << where;
  }
  void expect_same() const {
    for (const auto& [table, key] : {std::pair{"public.t", "id"},
                                     {"public.text_key", "name"},
                                     {"public.no_key", "v"},
                                     {"public.twins", "id"}}) {
      expect_equal(table, key);
    }
  }
  static Arguments with_tables(Arguments more = {}) {
    for (const auto* table : tables) more.insert(more.end(), {"--table", table});
    return more;
  }

  std::size_t source_log_ = 0, target_log_ = 0;
};

TEST_F(Trojans, S18_TrojansAreNeverCalled) {
  make_tables();
  plant();
  expect_runs("plan", with_tables());
  expect_runs("copy", with_tables({"--batch-bytes", "64kB", "--max-chunks", "1"}), 4);
  expect_runs("copy", with_tables({"--batch-bytes", "64kB", "--snapshot", "chunk"}));
  expect_same();
  on_source(
      "INSERT INTO public.t (v, m) SELECT pg_catalog.repeat('y', 50), 'bad' FROM "
      "pg_catalog.generate_series(1, 900)");
  on_source("INSERT INTO public.twins VALUES (1000, 1000)");
  expect_runs("plan", with_tables());
  expect_runs("copy", with_tables({"--late-rows", "scan"}));
  on_source("UPDATE public.twins SET other = 5000 WHERE id = 7");
  expect_runs("copy", with_tables({"--full"}));
  expect_same();
  const auto result = run_pghaul({"status", "--target", target_conninfo(), "--json"});
  EXPECT_EQ(result.status, 0) << result;
  expect_no_call("status");
}

TEST_F(Trojans, S18_NorWhenMerging) {
  make_tables();
  target_sql(
      "CREATE TABLE t (id bigint PRIMARY KEY, v text, m mood, n numeric, d timestamptz, g int);"
      "INSERT INTO t VALUES (7, 'old', 'bad', 1, 'epoch', 1);"
      "CREATE TABLE twins (id int PRIMARY KEY, other int UNIQUE); INSERT INTO twins VALUES (1, -1)");
  plant();
  expect_runs("copy", {"--table", "t", "--on-conflict", "update", "--batch-bytes", "64kB"});
  expect_runs("copy", {"--table", "twins", "--on-conflict", "skip"});
  expect_equal("public.t");
  expect_equal("public.twins");
}

TEST_F(Trojans, S18_NorWithACondition) {
  make_tables();
  plant();
  expect_runs("copy", {"--table", "t", "--where", "t.id <= 1000 AND v LIKE 'v%'", "--chunk-by", "key"});
  EXPECT_EQ(on_target("SELECT count(*) FROM public.t"), "1000");
}

// Lost connections and retries ask questions of their own.
TEST_F(Trojans, S18_NorAfterACrash) {
  make_tables();
  plant();
  expect_runs("copy", {"--table", "t", "--batch-bytes", "64kB"}, 137,
              {{"PGHAUL_FAILPOINTS", "chunk.before_commit=kill9"}});
  expect_runs("copy", {"--table", "t", "--batch-bytes", "64kB", "--take-over"});
  expect_equal("public.t");
}

// S54: nor where the environment asks for them.
TEST_F(Trojans, S54_NorWhereTheEnvironmentAsksForThem) {
  make_tables();
  plant();
  expect_runs("copy", {"--table", "t"}, 0, {{"PGOPTIONS", "-c search_path=public,pg_catalog"}});
  expect_equal("public.t");
}

// What could make the others pass for nothing.
TEST_F(Trojans, S18_TheTrojansBite) {
  plant();
  for (const auto* sql : {"SELECT now()", "SELECT 1 = 1", "SELECT * FROM pg_class", "SELECT '1'::text",
                          "SELECT max(1)", "SELECT format('x')"}) {
    for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
      EXPECT_THAT(try_psql(conninfo, sql).err, HasSubstr("trojan")) << sql;
    }
  }
  EXPECT_NE(first_call(source_server(), source_log_), "");
  EXPECT_NE(first_call(target_server(), target_log_), "");
}

}  // namespace
}  // namespace pghaul::test
