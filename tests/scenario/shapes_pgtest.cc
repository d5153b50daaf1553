// Tables of odd shapes: as wide as they get, long rows, nothing but NULLs, rows that are there many times, columns that are gone.
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

class Shapes : public CopyTest {
 protected:
  // Tables without a key are told by all they have.
  void expect_same_rows(const std::string& table = "public.t") const {
    const auto rows = fmt::format("SELECT t::text COLLATE \"C\" FROM {} AS t ORDER BY 1", table);
    EXPECT_EQ(table_digest(source_conninfo(), rows), table_digest(target_conninfo(), rows)) << table;
    EXPECT_EQ(source_sql("SELECT count(*) FROM " + table), target_sql("SELECT count(*) FROM " + table));
  }
  static std::string columns(int count, const std::string& of) {
    std::string list;
    for (int i = 1; i <= count; ++i) list += fmt::format(fmt::runtime(of), i);
    return list;
  }
};

// One is for the key: 1,600 in all.
TEST_F(Shapes, SixteenHundredColumns) {
  source_sql(fmt::format("CREATE TABLE public.t (id int PRIMARY KEY{});", columns(1599, ", c{} smallint")) +
             fmt::format("INSERT INTO public.t SELECT g{} FROM generate_series(1, 300) g; INSERT INTO public.t VALUES (0)",
                         columns(1599, ", (g + {0}) % 7")));
  copied({"--table", "t", "--batch-rows", "40"});
  expect_same_rows();
  copied({"--table", "t", "--columns", "c1599,id,c7", "--full"});
  EXPECT_EQ(target_sql("SELECT id, c1599, c7, c8 FROM public.t WHERE id = 9"),
            source_sql("SELECT id, c1599, c7, NULL FROM public.t WHERE id = 9"));
}

// Rows fill their page to the last byte, so that nothing is moved out of line.
TEST_F(Shapes, RowsOfAWholePage) {
  source_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text); ALTER TABLE public.t ALTER v SET STORAGE PLAIN;"
             "INSERT INTO public.t SELECT g, repeat(chr(64 + g % 26), 8120) FROM generate_series(1, 400) g");
  copied({"--table", "t", "--batch-bytes", "64kB"});
  expect_same_rows();
}

TEST_F(Shapes, NothingButNulls) {
  source_sql("CREATE TABLE public.t (a int, b text, c int[]); INSERT INTO public.t SELECT FROM generate_series(1, 5000);"
             "CREATE TABLE public.of_no_columns (); INSERT INTO public.of_no_columns SELECT FROM generate_series(1, 10)");
  copied({"--table", "t"});
  expect_same_rows();
  // Rows there are, and nothing in them that could travel.
  const auto report = copy({"--table", "of_no_columns"});
  EXPECT_EQ(report.status, 0) << report;
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.of_no_columns"), "10");
}

TEST_F(Shapes, TheSameRowManyTimes) {
  source_sql("CREATE TABLE public.t (a int, b text); INSERT INTO public.t SELECT g % 3, 'same' FROM generate_series(1, 30000) g");
  for (const auto* by : {"auto", "ctid", "whole"}) {
    copied({"--table", "t", "--chunk-by", by, "--batch-bytes", "64kB", "--full"});
    expect_same_rows();
  }
}

TEST_F(Shapes, ColumnsThatAreGone) {
  const auto gone = "CREATE TABLE public.t (x text, id int PRIMARY KEY, y int, v text, z date);"
                    "ALTER TABLE public.t DROP x, DROP y, DROP z, ADD w int DEFAULT 7";
  source_sql(std::string(gone) + "; INSERT INTO public.t SELECT g, 'v' || g FROM generate_series(1, 500) g");
  copied({"--table", "t", "--batch-rows", "90"});
  expect_same_rows();
  // Into one that had others, with the columns in another order.
  target_sql("DROP TABLE public.t; CREATE TABLE public.t (w int, a text, v text, id int PRIMARY KEY); ALTER TABLE public.t "
             "DROP a");
  copied({"--table", "t", "--full"});
  EXPECT_EQ(digest(source_conninfo(), "(SELECT id, v, w FROM public.t)", "id"),
            digest(target_conninfo(), "(SELECT id, v, w FROM public.t)", "id"));
}

// The batch is far smaller than the row, and many such rows are on their way together.
TEST_F(Shapes, ManyRowsOfMegabytes) {
  source_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text); INSERT INTO public.t SELECT g, repeat(md5(g::text), 160000) "
             "FROM generate_series(1, 30) g");
  copied({"--table", "t", "--batch-bytes", "1MB"});
  expect_equal("public.t");
}

}  // namespace
}  // namespace pghaul::test
