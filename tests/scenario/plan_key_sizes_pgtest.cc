// How even the chunks come out for keys of other types than integers, whatever the statistics know of them.
#include <iostream>
#include <sstream>

#include "scenario/plan_test.h"

namespace pghaul::test {
namespace {

class PlanKeySizes : public PlanTest {
 protected:
  static constexpr int rows = 40'000;

  // About 200 bytes a row.
  void make(const std::string& columns, const std::string& values, const std::string& key, int from = 1,
            int to = rows) const {
    source_sql(fmt::format(
        "CREATE TABLE IF NOT EXISTS public.profiles ({0}, data text, PRIMARY KEY ({1}));"
        "INSERT INTO public.profiles SELECT {2}, repeat(md5(g::text), 5) FROM generate_series({3}, {4}) g",
        columns, key, values, from, to));
  }
  void analyze() const { source_sql("ANALYZE public.profiles"); }

  // Copies, and judges the bytes of its chunks. Each planned range may leave one smaller piece.
  void expect_even_chunks(const std::string& key) const {
    const auto ranges = static_cast<int>(planned_table({"--batch-bytes", "500kB"})["chunks"].size());
    copied({"--batch-bytes", "500kB"});
    expect_equal(profiles, key);
    const auto list = target_sql(
        "SELECT string_agg((bytes / 500000.0)::numeric(10, 2)::text, ' ' ORDER BY bytes) "
        "FROM pghaul.chunk WHERE state = 'done'");
    std::cout << ranges << " ranges, batches: " << list << '\n';
    std::istringstream shares(list);
    int chunks = 0, small = 0;
    for (double share = 0; shares >> share; ++chunks) {
      if (share < 0.4) ++small;
      EXPECT_LE(share, 1.3) << list;
    }
    EXPECT_GE(chunks, 10);
    EXPECT_LE(small, ranges + 1) << list;
    EXPECT_LE(chunks, 40) << list;
  }
};

TEST_F(PlanKeySizes, F8_UuidsNeverAnalyzed) {
  make("id uuid", "md5(g::text)::uuid", "id");
  expect_even_chunks("id");
}

TEST_F(PlanKeySizes, UuidsWithStatistics) {
  make("id uuid", "md5(g::text)::uuid", "id");
  analyze();
  expect_even_chunks("id");
}

// All of them behind the last value that the statistics know.
TEST_F(PlanKeySizes, F8_TextOfWhichTheStatisticsAreStale) {
  make("id text", "'k' || lpad(g::text, 8, '0')", "id", 1, 2000);
  analyze();
  make("id text", "'k' || lpad(g::text, 8, '0')", "id", 2001);
  expect_even_chunks("id COLLATE pg_catalog.\"C\"");
}

TEST_F(PlanKeySizes, TextOfWhichHalfWasDeleted) {
  make("id text", "'a common beginning of all keys ' || md5(g::text)", "id", 1, 2 * rows);
  analyze();
  source_sql("DELETE FROM public.profiles WHERE id < 'a common beginning of all keys 8'");
  expect_even_chunks("id COLLATE pg_catalog.\"C\"");
}

// Half of all rows are one tenant's: no statistics of the first column can cut it.
TEST_F(PlanKeySizes, OneTenantHasHalfOfAllRows) {
  make("tenant int, name text", "CASE g % 2 WHEN 0 THEN 7 ELSE g % 100 END, md5(g::text)", "tenant, name");
  analyze();
  expect_even_chunks("tenant, t.name COLLATE pg_catalog.\"C\"");
}

TEST_F(PlanKeySizes, F8_ManyTenantsNeverAnalyzed) {
  make("tenant uuid, seq bigint", "md5((g % 1000)::text)::uuid, g", "tenant, seq");
  expect_even_chunks("tenant, t.seq");
}

// Planning looks at statistics alone: no scan, no sort, no probe of the table.
TEST_F(PlanKeySizes, ThePlanReadsNoRows) {
  make("id uuid", "md5(g::text)::uuid", "id");
  analyze();
  log_everything();
  const auto log = logged(source_server(),
                          [&] { EXPECT_GT(planned_table({"--batch-bytes", "500kB"})["chunks"].size(), 3U); });
  EXPECT_THAT(log, HasSubstr("histogram_bounds"));
  EXPECT_THAT(log, Not(HasSubstr("Scan using profiles_pkey")));
  EXPECT_THAT(log, Not(HasSubstr("count(*) FROM \"public\"")));
}

}  // namespace
}  // namespace pghaul::test
