// Plans of tables whose statistics or keys are nasty, and how even the chunks of a copy come out.
#include <algorithm>
#include <iostream>
#include <regex>
#include <sstream>

#include "scenario/plan_test.h"

namespace pghaul::test {
namespace {

class PlanSizes : public PlanTest {
 protected:
  // Keys are what `key` makes of g. Rows are 32 bytes long, `md5s` times, and about 40 more.
  void make_table(const std::string& key, int rows, int md5s = 6) const {
    source_sql(fmt::format("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data text);"
                           "INSERT INTO public.profiles SELECT {}, repeat(md5(g::text), {}) FROM generate_series(1, {}) g",
                           key, md5s, rows));
  }
  void analyze() const { source_sql("ANALYZE public.profiles"); }

  // The chunks are intervals that together cover every key, each once.
  static void expect_seamless(const nlohmann::json& table) {
    static const std::regex interval(R"(id (?:in \[(-?\d+), (-?\d+)\)|< (-?\d+)|>= (-?\d+)))");
    std::string next;
    for (const auto& chunk : table["chunks"]) {
      std::smatch found;
      const auto text = chunk["text"].get<std::string>();
      ASSERT_TRUE(std::regex_match(text, found, interval)) << text;
      EXPECT_EQ(found[1].str() + found[4].str(), next) << table["chunks"];
      next = found[2].str() + found[3].str();
    }
    EXPECT_EQ(next, "") << "the last one is open";
  }
  // Every range but the tail is expected to be about four batches large; it is cut later.
  static void expect_even(const nlohmann::json& table, double batch) {
    for (const auto& chunk : table["chunks"]) {
      if (chunk["tail"]) continue;
      const auto share = chunk["estimated_bytes"].get<double>() / (4 * batch);
      EXPECT_GT(share, 0.3) << chunk;
      EXPECT_LT(share, 1.6) << chunk;
    }
  }
  // Copies, and judges the bytes of its chunks, but for the tail and those at both ends.
  void expect_even_chunks(const std::string& batch, double batch_bytes, double least = 0.4) const {
    copied({"--batch-bytes", batch});
    expect_equal();
    const auto list = target_sql(fmt::format(
        "SELECT string_agg((bytes / {}::numeric)::numeric(10, 2)::text, ' ' ORDER BY lower_bound::bigint NULLS FIRST) "
        "FROM (SELECT *, lead(true) OVER w AND lag(true) OVER w AS inside FROM pghaul.chunk "
        "WHERE state = 'done' AND NOT tail WINDOW w AS (ORDER BY lower_bound::bigint NULLS FIRST)) AS c "
        "WHERE inside",
        batch_bytes));
    std::cout << "batches: " << list << '\n';
    std::istringstream shares(list);
    int chunks = 0;
    for (double share = 0; shares >> share; ++chunks) {
      EXPECT_GE(share, least) << list;
      EXPECT_LE(share, 1.3) << list;
    }
    EXPECT_GE(chunks, 10);
  }
};

TEST_F(PlanSizes, F8_WithoutStatistics) {
  make_table("g * 5", 20'000);
  const auto table = planned_table({"--batch-bytes", "500kB"});
  EXPECT_THAT(table["reason"].get<std::string>(), HasSubstr("without a histogram"));
  EXPECT_TRUE(table["estimated_rows"].is_null());
  EXPECT_NEAR(estimated_bytes(table) / source_bytes(), 1, 0.1);
  expect_seamless(table);
}

TEST_F(PlanSizes, F8_WithStaleStatistics) {
  make_table("g * 5", 1000);
  analyze();
  source_sql("INSERT INTO public.profiles SELECT g * 5, repeat(md5(g::text), 6) FROM generate_series(1001, 50000) g");
  const auto grown = planned_table({"--batch-bytes", "500kB"});
  EXPECT_NEAR(estimated_bytes(grown) / source_bytes(), 1, 0.2);
  expect_seamless(grown);
  source_sql("TRUNCATE public.profiles");
  const auto truncated = planned_table({"--batch-bytes", "500kB"});
  EXPECT_LE(estimated_bytes(truncated), 100'000);
  EXPECT_EQ(truncated["chunks"].size(), 1U);
  EXPECT_EQ(truncated["chunks"][0]["text"], "every id");
}

TEST_F(PlanSizes, G3_GapsOf1e18) {
  make_table("(g % 19 - 9) * 1000000000000000000 + g / 19", 40'000);
  analyze();
  const auto table = planned_table({"--batch-bytes", "125kB"});
  EXPECT_GT(table["chunks"].size(), 15U);
  expect_seamless(table);
  expect_even(table, 125'000);
}

TEST_F(PlanSizes, G3_BothEndsOfBigint) {
  make_table("CASE g % 2 WHEN 0 THEN -9223372036854775808 + g / 2 ELSE 9223372036854775807 - g / 2 END", 40'000);
  analyze();
  const auto table = planned_table({"--batch-bytes", "125kB"});
  EXPECT_GT(table["chunks"].size(), 15U);
  EXPECT_EQ(table["high_water"].dump(), "9223372036854775807");
  expect_seamless(table);
  expect_even(table, 125'000);
  expect_even_chunks("500kB", 500'000);
}

// Beside the sample: everything that a plan asks for, over a key range of 10^9 with gaps.
TEST_F(PlanSizes, ARangeOf1e9IsPlannedWithinASecond) {
  make_table("g * 3333 + g % 7 + g / 1000 * 1000", 230'000);
  EXPECT_GE(std::stol(source_sql("SELECT max(id) - min(id) FROM public.profiles")), 760'000'000);
  source_sql("INSERT INTO public.profiles VALUES (1000000000, 'x')");
  for (const bool analyzed : {false, true}) {
    if (analyzed) analyze();
    double best = 1e9;
    for (int run = 0; run < 3; ++run) {
      const auto started = std::chrono::steady_clock::now();
      const auto document = planned({"--batch-bytes", "256kB"});
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
      best = std::min(best, taken.count() - document["sample_time_seconds"].get<double>());
    }
    std::cout << (analyzed ? "analyzed: " : "never analyzed: ") << best << " s beside the sample\n";
    EXPECT_LE(best, 1.0);
  }
}

TEST_F(PlanSizes, ChunksOfATableNeverAnalyzed) {
  make_table("g * 3", 60'000);
  expect_even_chunks("500kB", 500'000);
}

// Ranges that lost half their rows are still above a batch, and are cut to even pieces. The smallest are of two probe
// steps, half a batch, where a range is just above one.
constexpr double half = 0.45;

TEST_F(PlanSizes, ChunksOfATableWhoseOlderHalfWasDeleted) {
  make_table("g * 3", 40'000, 25);
  analyze();
  source_sql("DELETE FROM public.profiles WHERE id < 60000");
  expect_even_chunks("500kB", 500'000, half);
}

TEST_F(PlanSizes, ChunksOfATableEverySecondRowOfWhichWasDeleted) {
  make_table("g * 3", 40'000, 25);
  analyze();
  source_sql("DELETE FROM public.profiles WHERE id % 2 = 0");
  expect_even_chunks("500kB", 500'000, half);
}

// 1 in 100 rows is 100 kB, the others are 0.2 kB.
TEST_F(PlanSizes, ChunksOfATableWithSkewedRows) {
  make_table("g * 3", 40'000);
  source_sql("UPDATE public.profiles SET data = (SELECT string_agg(md5(id::text || n), '') "
             "FROM generate_series(1, 3125) n) WHERE id % 100 = 0; VACUUM ANALYZE public.profiles");
  expect_even_chunks("4MB", 4'000'000);
}

TEST_F(PlanSizes, G3_ChunksOfATableWithHugeGaps) {
  make_table("(g % 13 - 6) * 1000000000000000000 + g * 7", 60'000);
  analyze();
  expect_even_chunks("500kB", 500'000);
}

}  // namespace
}  // namespace pghaul::test
