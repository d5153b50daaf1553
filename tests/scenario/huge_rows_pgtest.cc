// Rows of hundreds of megabytes: they travel, within bounded memory, or the chunk with such a row is named.
#include "fault/watched_program.h"
#include "scenario/copy_test.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

class HugeRows : public CopyTest {
 protected:
  // Compressible, or making it would take longer than copying it.
  void make_table(const std::string& columns, const std::vector<int>& megabytes) const {
    source_sql(fmt::format("CREATE TABLE public.huge (id int PRIMARY KEY, b bytea{})", columns));
    int id = 0;
    for (const int size : megabytes) {
      source_sql(fmt::format("INSERT INTO public.huge (id, b) VALUES ({}, convert_to(repeat('0123456789', {}00000), 'UTF8'))",
                             ++id, size));
    }
  }
  // The text form of such rows is too long for COPY, and so for the oracle.
  void expect_equal_sums() const {
    const auto sums = "SELECT string_agg(id || ':' || length(b) || ':' || encode(sha256(b), 'hex'), ',' ORDER BY id) "
                      "FROM public.huge";
    EXPECT_EQ(source_sql(sums), target_sql(sums));
  }
};

TEST_F(HugeRows, D6_WhoseTextIsLongerThanAGigabyte) {
  if (!same_version()) GTEST_SKIP() << "between major versions rows travel as text, which can be no longer than 1 GB";
  make_table("", {600, 1, 200});
  const auto run = watch_pghaul(command("copy", {"--table", "public.huge"}), 300s);
  EXPECT_EQ(run.status, 0) << run;
  expect_equal_sums();
  // libpq holds one row, and doubles its buffer until the row fits; one more copy of it is on its way to the target.
  EXPECT_LT(run.peak_memory_bytes, 4'000'000'000) << run;
}

// An enum is not copied in binary form, and as text this row cannot be.
TEST_F(HugeRows, D6_ThatNoFormCanCarryAreNamed) {
  for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
    run_psql(conninfo, "CREATE TYPE public.mood AS ENUM ('fine')");
  }
  make_table(", m public.mood DEFAULT 'fine'", {1, 600, 1});
  const auto failed = copy({"--table", "public.huge", "--batch-rows", "1"});
  EXPECT_EQ(failed.status, 5) << failed;
  EXPECT_THAT(failed.err, HasSubstr("public.huge")) << failed;
  EXPECT_EQ(missing_parts(failed), "") << failed;
  source_sql("DELETE FROM public.huge WHERE id = 2");
  const auto again = copy({"--table", "public.huge", "--batch-rows", "1"});
  EXPECT_EQ(again.status, 0) << again;
  expect_equal_sums();
}

}  // namespace
}  // namespace pghaul::test
