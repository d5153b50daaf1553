// Rows that the target does not take though the types fit, and types that only one side has: told with side,
// place and SQLSTATE, and without a value.
#include "scenario/bad_input.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

class BadValues : public BadInput {
 protected:
  // One row of 3,000, with the value "hunter2", is what the target does not take.
  void make_source(const std::string& type, const std::string& good, const std::string& bad) const {
    source_sql(
        fmt::format("CREATE TABLE public.t (id int PRIMARY KEY, v {0}); INSERT INTO public.t SELECT g, "
                    "CASE WHEN g = 2500 THEN {2} ELSE {1} END::{0} FROM generate_series(1, 3000) g",
                    type, good, bad));
  }
  // The copy fails; what it finished before is kept, and nothing else. The message.
  std::string failed_copy(const std::vector<std::string>& words) const {
    const auto result = copy({"--table", "t", "--batch-bytes", "64kB", "--readers", "1", "--writers", "1"});
    EXPECT_EQ(result.status, 5) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word)) << result;
    EXPECT_THAT(result.err + result.out, Not(HasSubstr("hunter2"))) << result;
    EXPECT_EQ(target_sql("SELECT coalesce(sum(rows), 0) FROM pghaul.chunk WHERE state = 'done'"),
              target_sql("SELECT count(*) FROM public.t"));
    return result.err;
  }
  void expect_done() const {
    copied({"--table", "t"});
    expect_equal("public.t");
  }
};

TEST_F(BadValues, H12_AnEnumWithoutOneOfTheLabels) {
  source_sql("CREATE TYPE public.mood AS ENUM ('sad', 'hunter2')");
  target_sql("CREATE TYPE public.mood AS ENUM ('sad')");
  make_source("public.mood", "'sad'", "'hunter2'");
  failed_copy({"pghaul: target: public.t: id in [", "invalid input value for enum", "[SQLSTATE 22P02]"});
  target_sql("ALTER TYPE public.mood ADD VALUE 'hunter2'");
  expect_done();
}

TEST_F(BadValues, H12_ADomainWhoseCheckIsAnotherOne) {
  source_sql("CREATE DOMAIN public.word AS text");
  target_sql("CREATE DOMAIN public.word AS text CONSTRAINT no_digits CHECK (VALUE !~ '[0-9]')");
  make_source("public.word", "'fine'", "'hunter2'");
  failed_copy({"pghaul: target: public.t: id in [", "no_digits", "[SQLSTATE 23514]"});
  target_sql("ALTER DOMAIN public.word DROP CONSTRAINT no_digits");
  expect_done();
}

TEST_F(BadValues, G17_ACheckOfTheTargetTable) {
  target_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text CONSTRAINT no_digits CHECK (v !~ '[0-9]'))");
  make_source("text", "'fine'", "'hunter2'");
  failed_copy({"pghaul: target: public.t: id in [", "no_digits", "[SQLSTATE 23514]"});
  target_sql("ALTER TABLE public.t DROP CONSTRAINT no_digits");
  expect_done();
}

TEST_F(BadValues, G17_NullsWhereTheTargetWantsNone) {
  target_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text NOT NULL)");
  make_source("text", "'fine'", "NULL");
  failed_copy({"pghaul: target: public.t: id in [", "column \"v\"", "[SQLSTATE 23502]"});
  target_sql("ALTER TABLE public.t ALTER v DROP NOT NULL");
  expect_done();
}

TEST_F(BadValues, G17_AUniqueIndexThatOnlyTheTargetHas) {
  target_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text CONSTRAINT one_of_each UNIQUE)");
  source_sql(
      "CREATE TABLE public.t (id int PRIMARY KEY, v text); INSERT INTO public.t SELECT g, CASE WHEN g > 2990 "
      "THEN "
      "'hunter2' ELSE g::text END FROM generate_series(1, 3000) g");
  failed_copy({"pghaul: target: public.t: id in [", "one_of_each", "[SQLSTATE 23505]"});
  target_sql("ALTER TABLE public.t DROP CONSTRAINT one_of_each");
  expect_done();
}

TEST_F(BadValues, H12_AnExtensionThatOnlyTheSourceHas) {
  source_sql("CREATE EXTENSION citext SCHEMA public");
  make_source("public.citext", "'fine'", "'hunter2'");
  expect_refused({"--table", "t"}, {"public.t: the target does not know type public.citext",
                                    "[SQLSTATE 42704]", "create the type or extension on the target first"});
  target_sql("CREATE EXTENSION citext SCHEMA public");
  // Not known to be the same on both sides in its binary form, so not sent in it.
  EXPECT_THAT(run_pghaul(command("plan", {"--table", "t"})).out, HasSubstr("format      text"));
  expect_done();
}

TEST_F(BadValues, H12_AnExtensionInAnotherSchema) {
  source_sql("CREATE EXTENSION citext SCHEMA public");
  target_sql("CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext");
  make_source("public.citext", "'fine'", "'hunter2'");
  expect_refused({"--table", "t"},
                 {"public.t: the target does not know type public.citext", "[SQLSTATE 42704]"});
  target_sql("CREATE TABLE public.t (id int PRIMARY KEY, v ext.citext)");
  expect_refused({"--table", "t"},
                 {"public.t.v: public.citext of the source does not fit into ext.citext of the target"});
  target_sql("ALTER EXTENSION citext SET SCHEMA public");
  expect_done();
}

}  // namespace
}  // namespace pghaul::test
