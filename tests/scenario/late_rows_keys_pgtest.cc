// Late and gained rows under keys at the ends of bigint, and under none at all.
#include "scenario/late_rows.h"

namespace pghaul::test {
namespace {

class Keys : public LateRows {
 protected:
  static constexpr auto lowest = "-9223372036854775808", highest = "9223372036854775807";
  void drop_profiles() const {
    for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
      run_psql(conninfo, "DROP TABLE IF EXISTS public.profiles");
    }
  }
  // A digest that also orders rows without a key.
  void expect_equal_rows() const {
    const auto all = "SELECT t.id, t.data FROM public.profiles AS t ORDER BY t.id, t.data::text";
    EXPECT_EQ(table_digest(source_conninfo(), all), table_digest(target_conninfo(), all))
        << target_sql("SELECT no, round, kind, lower_bound, upper_bound, tail, state, rows FROM pghaul.chunk");
  }
};

TEST_F(Keys, G3_UpToTheEndsOfBigint) {
  source_sql(fmt::format("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb);"
                         "INSERT INTO public.profiles VALUES ({0}, '1'), ({0} + 1, '2'), (0, '3'), ({1} - 1, '4'), "
                         "({1}, '5');"
                         "INSERT INTO public.profiles SELECT g * 9e14::bigint, to_jsonb(repeat(md5(g::text), 10)) "
                         "FROM generate_series(-10000, 10000) g WHERE g <> 0; ANALYZE public.profiles",
                         lowest, highest));
  const auto first = table_of(copied({"--batch-bytes", "256kB"}));
  EXPECT_GT(first["chunks"], 10);
  EXPECT_EQ(first["high_water"].dump(), highest);
  expect_complete(first);
  // Nothing can lie above, and what lies below only a scan can see.
  source_sql(fmt::format("INSERT INTO public.profiles VALUES ({} + 7, '6'), ({} - 7, '7')", lowest, highest));
  EXPECT_EQ(table_of(copied())["rows"], 0);
  source_sql(fmt::format("INSERT INTO public.profiles VALUES ({} + 8, '8'), ({} - 8, '9')", lowest, highest));
  EXPECT_EQ(table_of(copied({"--late-rows", "scan"}))["late_rows"], 2);
}

TEST_F(Keys, ASequenceThatReachesItsEnd) {
  make_empty_profiles();
  source_sql(fmt::format("SELECT setval('public.profiles_id_seq', {} - 10)", highest));
  insert_rows(5, "near the end");
  EXPECT_EQ(table_of(copied())["rows"], 5);
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles (data) VALUES ('{}')");
  insert_rows(4, "the last ones");
  EXPECT_EQ(copied_at_once()["high_water"].dump(), highest);
  late.run("COMMIT");
  const auto last = table_of(copied());
  EXPECT_EQ(last["late_rows"], 1);
  expect_complete(last);
}

TEST_F(Keys, G2_RowsWithoutAKeyAreReplacedByEveryRun) {
  source_sql("CREATE TABLE public.profiles (id bigint UNIQUE, data jsonb);"
             "INSERT INTO public.profiles SELECT nullif(g % 3, 0) * g, to_jsonb(g) FROM generate_series(1, 3000, 2) g;"
             "ANALYZE public.profiles");
  EXPECT_NE(source_sql("SELECT count(*) FROM public.profiles WHERE id IS NULL"), "0");
  copied({"--batch-bytes", "64kB"});
  expect_equal_rows();
  source_sql("DELETE FROM public.profiles WHERE id IS NULL AND (data::int) % 5 = 0;"
             "UPDATE public.profiles SET data = '\"new\"' WHERE id IS NULL AND (data::int) % 7 = 0;"
             "INSERT INTO public.profiles VALUES (NULL, '1'), (NULL, '1'), (1000000, '2')");
  copied();
  expect_equal_rows();
  source_sql("DELETE FROM public.profiles WHERE id IS NULL");
  copied();
  expect_equal_rows();
}

// The search for late rows must leave rows without a key to their own chunk, or they arrive twice.
TEST_F(Keys, RowsWithoutAKeyAreNotLateRows) {
  for (const auto* top : {"500", highest}) {
    drop_profiles();
    source_sql("CREATE TABLE public.profiles (id bigint UNIQUE, data jsonb);"
               "INSERT INTO public.profiles SELECT g, '0' FROM generate_series(1, 100) g");
    source_sql(fmt::format("INSERT INTO public.profiles VALUES ({}, '1'), (NULL, '2'), (NULL, '3')", top));
    copied({"--full"});
    source_sql("INSERT INTO public.profiles VALUES (400, '4'), (NULL, '5');"
               "UPDATE public.profiles SET data = '6' WHERE id IS NULL AND data = '2'");
    EXPECT_EQ(table_of(copied({"--late-rows", "scan"}))["late_rows"], 1);
    expect_equal_rows();
  }
}

TEST_F(Keys, SmallKeysUpToTheirEnds) {
  for (const auto& [type, low, high] :
       {std::tuple{"smallint", "-32768", "32767"}, {"integer", "-2147483648", "2147483647"}}) {
    drop_profiles();
    source_sql(fmt::format("CREATE TABLE public.profiles (id {} PRIMARY KEY, data jsonb);"
                           "INSERT INTO public.profiles VALUES ({}, '1'), (0, '2'), ({} - 1, '3')",
                           type, low, high));
    copied({"--full"});
    expect_equal();
    source_sql(fmt::format("INSERT INTO public.profiles VALUES ({}, '4')", high));
    EXPECT_EQ(table_of(copied())["rows"], 1);
    source_sql("INSERT INTO public.profiles VALUES (7, '5')");
    EXPECT_EQ(table_of(copied({"--late-rows", "scan"}))["late_rows"], 1);
    expect_equal();
  }
}

}  // namespace
}  // namespace pghaul::test
