// S31, S32: what a server says, and what things on it are called, drives no terminal, forges no line, and is
// no format.
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

// ESC, BEL, CR, BS, DEL, CSI of 8 bits (U+009B), and a line of its own.
constexpr auto evil =
    "\x1b]0;owned\x07\r\b\x7f\xc2\x9b"
    "31m\n12:00:00 error: forged %s%n%d{}";

std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

std::string control_characters(const std::string& text) {
  std::string found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f || c1)
      found += fmt::format("{:02x} ", byte);
  }
  return found;
}

void expect_harmless(const ProgramResult& result) {
  EXPECT_EQ(control_characters(result.out), "") << result.out;
  EXPECT_EQ(control_characters(result.err), "") << result.err;
  for (const auto& text : {"\n" + result.out, "\n" + result.err}) {
    EXPECT_THAT(text, Not(HasSubstr("\n12:00:00 error: forged"))) << result;
  }
}

class ServerText : public CopyTest {
 protected:
  ProgramResult run(const std::string& verb, const Arguments& more) const {
    const auto result = run_pghaul(command(verb, more), {}, 120s);
    expect_harmless(result);
    return result;
  }
};

TEST_F(ServerText, S31_NamesInEveryOutput) {
  const std::string name = evil;
  source_sql(
      fmt::format("CREATE SCHEMA {0}; CREATE TABLE {0}.{0} (id int PRIMARY KEY, {0} text);"
                  "CREATE INDEX {1} ON {0}.{0} ({0}); INSERT INTO {0}.{0} SELECT g, repeat('x', 90) FROM "
                  "generate_series(1, 4000) g; ANALYZE",
                  quoted(name), quoted(name + "_i")));
  const auto table = quoted(name) + "." + quoted(name);
  for (const auto* how : {"--verbose", "--json"}) {
    EXPECT_EQ(run("plan", {"--table", table, how}).status, 0);
  }
  EXPECT_EQ(
      run("copy", {"--table", table, "--batch-bytes", "64kB", "--max-chunks", "2", "--progress", "json"})
          .status,
      4);
  for (const auto* progress : {"plain", "json", "none"}) {
    EXPECT_EQ(run("copy",
                  {"--table", table, "--batch-bytes", "64kB", "--progress", progress, "--full", "--verbose"})
                  .status,
              0);
    EXPECT_EQ(run("copy", {"--table", table, "--progress", progress, "--json"}).status, 0);
  }
  for (const auto* how : {"--verbose", "--json"}) {
    const auto status = run_pghaul({"status", "--target", target_conninfo(), how});
    expect_harmless(status);
    EXPECT_EQ(status.status, 0) << status;
    EXPECT_THAT(status.out, HasSubstr("forged %s%n%d{}")) << "shown as it is";
  }
  EXPECT_EQ(table_digest(source_conninfo(), "SELECT * FROM " + table + " ORDER BY id"),
            table_digest(target_conninfo(), "SELECT * FROM " + table + " ORDER BY id"));
  for (const auto& more : {Arguments{"--columns", quoted(name + "?")}, Arguments{"--where", name}}) {
    auto arguments = more;
    arguments.insert(arguments.end(), {"--table", table});
    EXPECT_EQ(run("copy", arguments).status, 3);
  }
  EXPECT_EQ(run("copy", {"--table", quoted(name)}).status, 3);
}

TEST_F(ServerText, S31_ErrorsThatTheServerRaises) {
  make_profiles(10);
  target_sql(
      "CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb);"
      "CREATE FUNCTION bark() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '%', TG_ARGV[0]; "
      "RAISE WARNING '%', TG_ARGV[0]; RAISE EXCEPTION '%', TG_ARGV[0] "
      "USING ERRCODE = TG_ARGV[1], DETAIL = TG_ARGV[0], HINT = TG_ARGV[0]; END$$");
  for (const auto* code : {"P0001", "42000", "XX000", "23505", "40001"}) {
    target_sql(
        fmt::format("DROP TRIGGER IF EXISTS bark ON public.profiles; CREATE TRIGGER bark BEFORE INSERT ON "
                    "public.profiles FOR EACH ROW EXECUTE FUNCTION bark('{}', '{}')",
                    evil, code));
    for (const auto* how : {"--verbose", "--json"}) {
      const auto result = run("copy", {"--allow", "triggers", "--max-retries", "1", how});
      EXPECT_EQ(result.status, 5) << result;
      EXPECT_THAT(result.err, HasSubstr(code));
      if (std::string_view(how) == "--verbose") {
        EXPECT_THAT(result.err, HasSubstr("\\x1b]0;owned\\x07\\x0d\\x08\\x7f\\xc2\\x9b"));
      }
    }
    const auto status = run_pghaul({"status", "--target", target_conninfo(), "--json"});
    expect_harmless(status);
  }
}

// S20: a function of the condition that writes is told off by the source, and that is the end.
TEST_F(ServerText, S20_AConditionThatWritesEndsTheRun) {
  make_profiles(20);
  source_sql(
      "CREATE TABLE public.loot (v text); CREATE FUNCTION public.steal(bigint) RETURNS boolean LANGUAGE "
      "plpgsql AS "
      "$$BEGIN INSERT INTO public.loot VALUES ($1); RETURN true; END$$");
  const auto result = run("copy", {"--where", "public.steal(id)"});
  EXPECT_TRUE(result.status == 3 || result.status == 5) << result;
  EXPECT_THAT(result.err, HasSubstr("cannot execute INSERT in a read-only transaction [SQLSTATE 25006]"));
  EXPECT_EQ(source_sql("SELECT count(*) FROM public.loot"), "0");
  // Not even where it says that it may: the transaction is read only as a whole.
  source_sql(
      "CREATE OR REPLACE FUNCTION public.steal(bigint) RETURNS boolean LANGUAGE plpgsql AS "
      "$$BEGIN PERFORM set_config('transaction_read_only', 'off', false); INSERT INTO public.loot VALUES "
      "($1); "
      "RETURN true; END$$");
  const auto again = run("copy", {"--where", "public.steal(id)", "--full"});
  EXPECT_NE(again.status, 0) << again;
  EXPECT_EQ(source_sql("SELECT count(*) FROM public.loot"), "0");
}

}  // namespace
}  // namespace pghaul::test
