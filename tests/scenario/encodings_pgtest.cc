// Databases of different encodings: text is converted by the servers, or refused by name; never altered silently.
#include "scenario/copy_test.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

class Encodings : public CopyTest {
 protected:
  void SetUp() override { rest_ = database().substr(0, 50); }
  // Of this encoding, on this server; psql speaks UTF8 with it, but with SQL_ASCII, where bytes are bytes.
  std::string database_of(const pg::ThrowawayServer& server, const std::string& encoding) const {
    const auto name = rest_ + "_enc";
    run_psql(server.conninfo(), fmt::format("DROP DATABASE IF EXISTS {0} WITH (FORCE); CREATE DATABASE {0} TEMPLATE template0 "
                                            "ENCODING '{1}' LC_COLLATE 'C' LC_CTYPE 'C'",
                                            name, encoding));
    return server.conninfo(name) + (encoding == "SQL_ASCII" ? " client_encoding=SQL_ASCII" : "");
  }
  void use(const std::string& from, const std::string& to) {
    from_ = database_of(source_server(), from);
    to_ = database_of(target_server(), to);
  }
  void TearDown() override {
    for (auto* server : {&source_server(), &target_server()}) {
      run_psql(server->conninfo(), fmt::format("DROP DATABASE IF EXISTS {}_enc WITH (FORCE)", rest_));
    }
  }
  ProgramResult copy_table(const Arguments& more = {}, const std::string& table = "public.t") const {
    Arguments arguments{"copy", "--source", from_, "--target", to_, "--table", table, "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_pghaul(arguments, {}, 120s);
  }
  void expect_copied(const Arguments& more = {}) const {
    const auto result = copy_table(more);
    EXPECT_EQ(result.status, 0) << result;
    expect_same_rows();
  }
  void expect_same_rows(const std::string& key = "id") const {
    EXPECT_EQ(digest(from_, "public.t", key), digest(to_, "public.t", key));
  }
  // Refused by the target, and all of these words are said.
  void expect_refused(const std::vector<std::string>& words, const Arguments& more = {}) const {
    const auto result = copy_table(more);
    EXPECT_EQ(result.status, 5) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word));
    EXPECT_THAT(result.err, HasSubstr("public.t")) << result;
  }
  // Rows 1 to 500 of plain text; `bad` is what row 7 has.
  void make_table(const std::string& bad, const std::string& columns = "id int PRIMARY KEY, v text",
                  const std::string& row = "g, 'value ' || g") const {
    run_psql(from_, fmt::format("CREATE TABLE public.t ({}); INSERT INTO public.t SELECT {} FROM generate_series(1, 500) g;"
                                "UPDATE public.t SET v = {} WHERE v = 'value 7'",
                                columns, row, bad));
  }
  std::string from_, to_;

 private:
  std::string rest_;
};

constexpr auto latin1_rows =
    "CREATE TYPE public.mood AS ENUM ('größer', 'ñ');"
    "CREATE TABLE public.t (id int PRIMARY KEY, v text, c char(5), j json, b jsonb, x xml, a text[], n name{});"
    "INSERT INTO public.t SELECT g, U&'\\00E4\\00FF\\00A0' || g, 'é', '{{\"ä\": \"\\u00e4 ö\"}}', '{{\"ä\": \"\\u00e4 ö\"}}', "
    "'<a>ä&#228;</a>', ARRAY['ß', NULL, 'ü'], 'çà'{} FROM generate_series(1, 500) g;"
    "INSERT INTO public.t (id, x) VALUES (0, 'text <b>ä</b>'), (-1, '<?xml version=\"1.0\" encoding=\"LATIN1\"?><a>ö</a>')";

TEST_F(Encodings, Latin1IntoUtf8AndBack) {
  for (const auto& [from, to] : {std::pair{"LATIN1", "UTF8"}, {"UTF8", "LATIN1"}, {"LATIN1", "LATIN1"}}) {
    SCOPED_TRACE(fmt::format("{} into {}", from, to));
    use(from, to);
    run_psql(from_, fmt::format(latin1_rows, "", ""));
    expect_copied({"--batch-rows", "100"});
    EXPECT_EQ(run_psql(to_, "SELECT v, b, n FROM public.t WHERE id = 1"), "äÿ\u00a01|{\"ä\": \"ä ö\"}|çà");
  }
}

// An enum keeps rows from travelling in binary.
TEST_F(Encodings, Latin9IntoUtf8AsText) {
  use("LATIN9", "UTF8");
  run_psql(from_, fmt::format(latin1_rows, ", m public.mood", ", 'größer'::public.mood"));
  run_psql(to_, "CREATE TYPE public.mood AS ENUM ('größer', 'ñ')");
  expect_copied();
}

TEST_F(Encodings, EastAsianIntoUtf8AndBack) {
  for (const auto& [from, to] : {std::pair{"EUC_JP", "UTF8"}, {"UTF8", "EUC_JP"}}) {
    SCOPED_TRACE(fmt::format("{} into {}", from, to));
    use(from, to);
    make_table("U&'\\65E5\\672C'", "id int PRIMARY KEY, v text, k text UNIQUE NOT NULL", "g, 'value ' || g, U&'\\4E2D' || g");
    expect_copied({"--batch-rows", "100"});
    EXPECT_EQ(run_psql(to_, "SELECT v FROM public.t WHERE id = 7"), "日本");
  }
}

// A key that is text has its bounds in the ledger, which is of the target's encoding.
TEST_F(Encodings, KeysOfTextAreConverted) {
  use("LATIN1", "UTF8");
  run_psql(from_, "CREATE TABLE public.t (id text PRIMARY KEY, v text); INSERT INTO public.t SELECT 'schlüssel ' || g, 'ä' FROM "
                  "generate_series(1, 1000) g; ANALYZE public.t");
  EXPECT_EQ(copy_table({"--chunk-by", "key", "--batch-rows", "100", "--max-chunks", "3"}).status, 4);
  const auto result = copy_table({"--chunk-by", "key", "--batch-rows", "100"});
  EXPECT_EQ(result.status, 0) << result;
  expect_same_rows("id COLLATE \"C\"");
}

TEST_F(Encodings, NamesAreConverted) {
  use("LATIN1", "UTF8");
  run_psql(from_, "CREATE TABLE public.\"größe\" (\"schlüssel\" int PRIMARY KEY, \"ä\" text); CREATE INDEX \"ï\" ON "
                  "public.\"größe\" (\"ä\"); INSERT INTO public.\"größe\" SELECT g, 'é' FROM generate_series(1, 300) g");
  const std::string in_latin1 = "public.\"gr\xf6\xdf" "e\"";
  for (int run = 0; run < 2; ++run) {
    const auto result = copy_table({"--batch-rows", "50"}, in_latin1);
    EXPECT_EQ(result.status, 0) << result;
  }
  EXPECT_EQ(digest(from_, "public.\"größe\"", "\"schlüssel\""), digest(to_, "public.\"größe\"", "\"schlüssel\""));
  EXPECT_EQ(run_psql(to_, "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%ä%'"), "ï");
}

TEST_F(Encodings, SqlAsciiThatIsUtf8) {
  use("SQL_ASCII", "UTF8");
  make_table("'größe 日本'");
  const auto result = copy_table();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("the source's encoding is SQL_ASCII: its text is taken for UTF8"));
  EXPECT_EQ(run_psql(to_, "SELECT v FROM public.t WHERE id = 7"), "größe 日本");
}

TEST_F(Encodings, BytesThatAreNoUtf8AreNamed) {
  use("SQL_ASCII", "UTF8");
  make_table("E'gr\\xf6\\xdfe c4nary'");
  expect_refused({"column v where id = 7: invalid byte sequence for encoding \"UTF8\": 0xf6", "[SQLSTATE 22021]"},
                 {"--batch-rows", "50"});
  EXPECT_THAT(copy_table().err, Not(HasSubstr("c4nary")));
  run_psql(from_, "UPDATE public.t SET v = 'mended' WHERE id = 7");
  const auto result = copy_table({"--batch-rows", "50"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(run_psql(to_, "SELECT count(*), min(v) FROM public.t"), "500|mended");
}

TEST_F(Encodings, AFewOfManyAreNamedAndThoseOfOddKeys) {
  use("SQL_ASCII", "UTF8");
  make_table("''", "\"T en\" int, k text, v text, \"w 2\" text, PRIMARY KEY (\"T en\", k)", "g % 3, 'k' || g, 'v', E'\\xff'");
  expect_refused({"column \"w 2\" where (\"T en\", k) = (", ", k", "0xff", "; there may be more"});
  // A key that is no text itself.
  use("SQL_ASCII", "UTF8");
  make_table("v", "id text PRIMARY KEY, v text", "E'\\xfe' || g, 'v'");
  expect_refused({"column id where id = ", "0xfe"});
  // Without a key it is the row's place.
  use("SQL_ASCII", "UTF8");
  make_table("E'\\xff'", "v text, n int", "'value ' || g, g");
  expect_refused({"column v where ctid = ", "0xff"});
}

TEST_F(Encodings, CharactersThatTheTargetHasNotAreNamed) {
  use("UTF8", "LATIN1");
  make_table("'10 €'");
  const std::string no_euro = "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding "
                              "\"LATIN1\"";
  expect_refused({"column v where id = 7: " + no_euro, "[SQLSTATE 22P05]"}, {"--batch-rows", "50"});
  // As text.
  use("UTF8", "LATIN1");
  make_table("'10 €'", "id int PRIMARY KEY, v text, m money", "g, 'value ' || g, g");
  expect_refused({"column v where id = 7: " + no_euro});
}

TEST_F(Encodings, ThoseThatCannotBeConvertedAreRefusedBefore) {
  use("EUC_JP", "LATIN1");
  make_table("'plain'");
  const auto result = copy_table();
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("the target cannot convert text from EUC_JP, the source's encoding, into its own, LATIN1"));
  EXPECT_EQ(run_psql(to_, "SELECT to_regclass('public.t') IS NULL, to_regnamespace('pghaul') IS NULL"), "t|t");
}

}  // namespace
}  // namespace pghaul::test
