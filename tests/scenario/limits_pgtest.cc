// Options that hold a copy back, and what it says on the way.
#include <sstream>

#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

using Limits = CopyTest;

TEST_F(Limits, MaxChunksPausesAndTheNextRunContinues) {
  make_profiles(10'000);
  const auto first = stopped({"--batch-bytes", "64kB", "--max-chunks", "3"});
  EXPECT_EQ(first["tables"][0]["state"], "paused");
  EXPECT_EQ(first["tables"][0]["chunks"], 3);
  EXPECT_EQ(first["error"]["kind"], "stopped");
  EXPECT_EQ(chunks_done(), "3\n");
  const auto shown = status();
  EXPECT_THAT(shown.out, HasSubstr("public.profiles: paused"));
  EXPECT_THAT(shown.out, HasSubstr("paused: the chunks given with --max-chunks are done"));

  stopped({"--batch-bytes", "64kB", "--max-chunks", "2"});
  EXPECT_EQ(chunks_done(), "5\n");
  const auto last = copied({"--batch-bytes", "64kB"});
  EXPECT_EQ(last["tables"][0]["state"], "complete");
  EXPECT_TRUE(last["tables"][0]["resumed"].get<bool>());
  EXPECT_EQ(last["tables"][0]["rows_total"], 10'000);
  expect_equal();
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
}

TEST_F(Limits, MaxChunksAboveWhatThereIsIsNoPause) {
  make_profiles(100);
  copied({"--max-chunks", "1000"});
  expect_equal();
}

TEST_F(Limits, MaxRateIsKept) {
  // 6 MB in incompressible rows: at 1 MB/s about six seconds.
  source_sql("CREATE TABLE public.t (id int PRIMARY KEY, v text);"
             "INSERT INTO public.t SELECT g, repeat(md5(g::text), 31) FROM generate_series(1, 6000) g; ANALYZE public.t");
  const auto report = copied({"--table", "t", "--max-rate", "1MB/s", "--batch-bytes", "500kB"});
  const auto seconds = std::stod(target_sql("SELECT EXTRACT(EPOCH FROM max(c.done_at) - min(r.planned_at)) "
                                            "FROM pghaul.chunk AS c, pghaul.round AS r"));
  const auto rate = report["tables"][0]["bytes"].get<double>() / seconds;
  EXPECT_GE(seconds, 5);
  EXPECT_LE(rate, 1.15e6);
  EXPECT_GE(rate, 0.85e6);
  expect_equal("public.t");
}

TEST_F(Limits, SleepIsAPauseAfterEachChunk) {
  make_profiles(5000);
  const auto report = copied({"--batch-bytes", "64kB", "--readers", "1", "--sleep", "200ms"});
  const auto chunks = report["tables"][0]["chunks"].get<int>();
  EXPECT_GE(chunks, 5);
  EXPECT_GE(report["time_seconds"].get<double>(), 0.2 * (chunks - 1));
  expect_equal();
}

TEST_F(Limits, LedgerSchema) {
  make_profiles(200);
  copied({"--ledger-schema", "My ledger"});
  expect_equal();
  EXPECT_EQ(target_sql("SELECT to_regnamespace('pghaul') IS NULL, count(*) FROM \"My ledger\".table_copy_progress"), "t|1");
  EXPECT_THAT(status().out, HasSubstr("no ledger in schema pghaul"));
  EXPECT_THAT(status({"--ledger-schema", "My ledger"}).out, HasSubstr("public.profiles: complete"));
  // One that is there already, and empty.
  target_sql("CREATE SCHEMA prepared");
  copied({"--ledger-schema", "prepared", "--full"});
  expect_equal();
}

TEST_F(Limits, TheReportAsJson) {
  make_profiles(500);
  const auto result = copy({"--json", "--progress", "json"});
  ASSERT_EQ(result.status, 0) << result;
  const auto report = json_of(result);
  EXPECT_EQ(report["exit_code"], 0);
  EXPECT_TRUE(report["complete"].get<bool>());
  const auto& table = report["tables"][0];
  EXPECT_EQ(table["source_table"], profiles);
  EXPECT_EQ(table["rows"], 500);
  EXPECT_EQ(table["rows_total"], 500);
  EXPECT_EQ(table["retries"], 0);
  EXPECT_EQ(table["late_rows"], 0);
  EXPECT_EQ(table["chunks_left"], 0);
  EXPECT_EQ(table["high_water"], 1500);
  // Indexes are built side by side: which is done first is not said.
  EXPECT_THAT(table["created"].get<std::vector<std::string>>(),
              testing::UnorderedElementsAre("table public.profiles", "primary key profiles_pkey", "index profiles_name"));
  EXPECT_FALSE(report.contains("error"));
}

TEST_F(Limits, ProgressAsJsonLines) {
  make_profiles(5000);
  const auto result = copy({"--progress", "json", "--batch-bytes", "64kB", "--sleep", "300ms"});
  ASSERT_EQ(result.status, 0) << result;
  std::istringstream lines(result.err);
  int progress = 0;
  std::int64_t rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto document = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(document.is_discarded()) << line;
    if (!document.contains("phase") || document["tables"].empty()) continue;
    ++progress;
    EXPECT_GE(document["tables"][0]["rows"].get<std::int64_t>(), rows) << line;
    rows = document["tables"][0]["rows"];
  }
  EXPECT_GE(progress, 3) << result.err;
  EXPECT_EQ(rows, 5000);
}

TEST_F(Limits, ProgressAsPlainLines) {
  make_profiles(5000);
  const auto result = copy({"--progress", "plain", "--batch-bytes", "64kB", "--sleep", "300ms"});
  ASSERT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("copying"));
  EXPECT_THAT(result.err, HasSubstr("finished"));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
}

TEST_F(Limits, NoProgressIsSilent) {
  make_profiles(100);
  source_sql("CREATE ROLE limits_reader LOGIN; GRANT SELECT ON public.profiles, public.profiles_id_seq TO limits_reader");
  const auto result = run_pghaul({"copy", "--source", source_server().conninfo(database(), "limits_reader"), "--target",
                                  target_conninfo(), "--table", profiles, "--progress", "none"});
  source_sql("DROP OWNED BY limits_reader; DROP ROLE limits_reader");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.err, "");
}

TEST_F(Limits, OptionsFromTheEnvironment) {
  make_profiles(10'000);
  const auto result = run_pghaul({"copy", "--table", profiles, "--json", "--max-chunks", "2"},
                                 {{"PGHAUL_SOURCE", source_conninfo()},
                                  {"PGHAUL_TARGET", target_conninfo()},
                                  {"PGHAUL_BATCH_BYTES", "64kB"},
                                  {"PGHAUL_PROGRESS", "none"}});
  EXPECT_EQ(result.status, 4) << result;
  EXPECT_EQ(json_of(result)["tables"][0]["chunks"], 2);
  EXPECT_EQ(copy().status, 0);
  expect_equal();
}

}  // namespace
}  // namespace pghaul::test
