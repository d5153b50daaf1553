// S44, S45: what stands in rows stands in no message, log, report or ledger, whatever the server quotes; with
// --verbose the server's own words are shown, and still not kept.
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

constexpr auto canary = "c4nary";

class RowValues : public CopyTest {
 protected:
  // The copy fails with this code; its value appears with --verbose only.
  void expect_hidden(const Arguments& more, const std::string& target, const std::string& sqlstate,
                     const std::string& quoted = canary) const {
    for (const auto* how : {"--json", "--verbose"}) {
      const bool verbose = std::string_view(how) == "--verbose";
      Arguments arguments{"copy",    "--source", source_conninfo(), "--target", target,
                          "--table", "t",        "--max-retries",   "1",        how};
      arguments.insert(arguments.end(), more.begin(), more.end());
      const auto result = run_pghaul(arguments);
      EXPECT_TRUE(result.status == 5 || result.status == 3) << result;
      EXPECT_THAT(result.err, HasSubstr(fmt::format("[SQLSTATE {}]", sqlstate))) << result;
      EXPECT_THAT(result.out, Not(HasSubstr(quoted))) << result;
      if (verbose) {
        EXPECT_THAT(last_words(result), HasSubstr(quoted)) << result;
      }
      EXPECT_THAT(verbose ? all_but_last_words(result) : result.err, Not(HasSubstr(quoted))) << result;
      expect_not_kept(target, quoted);
    }
  }
  void expect_hidden(const std::string& sqlstate, const Arguments& more = {}) const {
    expect_hidden(more, target_conninfo(), sqlstate);
  }
  void expect_not_kept(const std::string& target, const std::string& quoted) const {
    if (run_psql(target, "SELECT to_regclass('pghaul.chunk') IS NOT NULL") == "t") {
      EXPECT_THAT(run_psql(target, "SELECT schema_to_xml('pghaul', true, false, '')"),
                  Not(HasSubstr(quoted)));
    }
    for (const auto* how : {"--json", "--verbose"}) {
      const auto status = run_pghaul({"status", "--target", target, how});
      EXPECT_EQ(status.status, 0) << status;
      EXPECT_THAT(status.out + status.err, Not(HasSubstr(quoted)));
    }
  }
  // The line "detail:" of the final message.
  static std::string last_words(const ProgramResult& result) {
    const auto at = result.err.rfind("\n  detail: ");
    return at == std::string::npos ? "" : result.err.substr(at, result.err.find("\n  ", at + 3) - at);
  }
  static std::string all_but_last_words(const ProgramResult& result) {
    auto text = result.err;
    if (const auto words = last_words(result); !words.empty())
      text.erase(text.rfind("\n  detail: "), words.size());
    return text;
  }
  std::string database_of(const pg::ThrowawayServer& server, const std::string& encoding) {
    const auto name = database().substr(0, 50) + "_enc";
    run_psql(server.conninfo(),
             fmt::format("DROP DATABASE IF EXISTS {0} WITH (FORCE); CREATE DATABASE {0} TEMPLATE "
                         "template0 ENCODING '{1}' LC_COLLATE 'C' LC_CTYPE 'C'",
                         name, encoding));
    return server.conninfo(name);
  }
  void make_source(const std::string& value = "'c4nary ' || g") const {
    source_sql(
        fmt::format("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, {} FROM "
                    "generate_series(1, 20) g",
                    value));
  }
};

TEST_F(RowValues, S44_AKeyThatIsThereTwice) {
  make_source("'c4nary'");
  target_sql("CREATE TABLE t (id int PRIMARY KEY, v text UNIQUE)");
  expect_hidden("23505");
}

TEST_F(RowValues, S44_ACheckThatFails) {
  make_source();
  target_sql("CREATE TABLE t (id int PRIMARY KEY, v text CHECK (v !~ '9'))");
  expect_hidden("23514");
}

TEST_F(RowValues, S44_APartitionThatIsMissing) {
  make_source();
  target_sql(
      "CREATE TABLE t (id int, v text) PARTITION BY LIST (v); CREATE TABLE t_1 PARTITION OF t FOR VALUES IN "
      "('x')");
  expect_hidden("23514");
}

// The message itself quotes the value, on the source and on the target.
TEST_F(RowValues, S44_ACastThatFailsOnTheSource) {
  make_source();
  expect_hidden("22P02", {"--where", "v::pg_catalog.int4 > 0"});
  expect_hidden("22007", {"--where", "v::pg_catalog.date > 'today'"});
  expect_hidden("22023", {"--where", "pg_catalog.encode('', v) = ''"});
}

TEST_F(RowValues, S44_ATriggerThatRaisesTheRow) {
  make_source();
  target_sql(
      "CREATE TABLE t (id int PRIMARY KEY, v text);"
      "CREATE FUNCTION bark() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'bad row %', NEW; "
      "END$$;"
      "CREATE TRIGGER bark BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION bark()");
  expect_hidden("P0001", {"--allow", "triggers"});
}

// By another function of the same name.
TEST_F(RowValues, S44_AnIndexThatCannotBeBuilt) {
  make_source();
  source_sql(
      "CREATE FUNCTION number(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT length($1)';"
      "CREATE INDEX ON t (number(v))");
  target_sql("CREATE FUNCTION number(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1::int'");
  expect_hidden("22P02");
}

TEST_F(RowValues, S44_BytesThatAreNoText) {
  const auto source = database_of(source_server(), "SQL_ASCII");
  run_psql(
      source + " client_encoding=SQL_ASCII",
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, E'c4nary \\377\\376 c4nary')");
  const auto result = run_pghaul({"copy", "--source", source, "--target", target_conninfo(), "--table", "t"});
  EXPECT_TRUE(result.status == 5 || result.status == 3) << result;
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 22021]"));
  EXPECT_THAT(result.out + result.err, Not(HasSubstr(canary))) << result;
  expect_not_kept(target_conninfo(), canary);
}

TEST_F(RowValues, S44_CharactersThatTheTargetHasNot) {
  make_source("'c4nary ' || chr(8364)");
  const auto target = database_of(target_server(), "LATIN1");
  const auto result = run_pghaul({"copy", "--source", source_conninfo(), "--target", target, "--table", "t"});
  EXPECT_TRUE(result.status == 5 || result.status == 3) << result;
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 22P05]"));
  EXPECT_THAT(result.out + result.err, Not(HasSubstr(canary))) << result;
  expect_not_kept(target, canary);
}

}  // namespace
}  // namespace pghaul::test
