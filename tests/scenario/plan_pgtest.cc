// What pghaul plan says, and that it costs the source next to nothing and writes nowhere.
#include <regex>

#include "scenario/plan_test.h"

namespace pghaul::test {
namespace {

class Plan : public PlanTest {
 protected:
  // About 100 MB in rows too short for TOAST: more than a sample takes.
  void make_big_table() const {
    source_sql("CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data text);"
               "INSERT INTO public.profiles SELECT g * 3, repeat(md5(g::text), 50) FROM generate_series(1, 60000) g;"
               "SELECT setval('public.profiles_id_seq', 180000); ANALYZE public.profiles");
  }
  // Everything that could have been written: transactions that got an id, and what there is.
  std::string state(const std::string& conninfo) const {
    return run_psql(conninfo,
                    "SELECT pg_snapshot_xmax(pg_current_snapshot());"
                    "SELECT string_agg(oid || ':' || relname || ':' || relfilenode, ',' ORDER BY oid) FROM pg_class;"
                    "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace");
  }
  // Values of pg_stat_user_tables for profiles, once the sessions of the program have told them.
  std::vector<long> scans() const {
    const auto others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = "
                        "'client backend' AND pid <> pg_backend_pid()";
    EXPECT_TRUE(wait_until([&] { return source_sql(others) == "0"; }));
    const auto row = source_sql("SELECT seq_scan || ',' || seq_tup_read FROM pg_stat_user_tables WHERE relname = "
                                "'profiles'");
    return {std::stol(row), std::stol(row.substr(row.find(',') + 1))};
  }
};

TEST_F(Plan, WritesNothing) {
  make_profiles(5000);
  log_everything();
  const std::regex write(R"(((statement|execute [^:]*): |;)\s*(INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP|TRUNCATE)"
                         R"(|GRANT|COMMENT|VACUUM|ANALYZE|LOCK|COPY \S+ FROM))",
                         std::regex::icase);
  const auto source_before = state(source_conninfo()), target_before = state(target_conninfo());
  std::string target_log;
  const auto source_log = logged(source_server(), [&] {
    target_log = logged(target_server(), [&] {
      EXPECT_EQ(plan().status, 0);
      planned({"--full", "--chunk-by", "ctid"});
    });
  });
  EXPECT_EQ(state(source_conninfo()), source_before);
  EXPECT_EQ(state(target_conninfo()), target_before);
  for (const auto& log : {source_log, target_log}) {
    EXPECT_THAT(log, HasSubstr("statement: "));
    EXPECT_FALSE(std::regex_search(log, write)) << log;
    EXPECT_THAT(log, Not(HasSubstr("ERROR")));
  }
}

TEST_F(Plan, S39_NeitherScansNorSortsNorCounts) {
  make_big_table();
  log_everything();
  const auto before = scans();
  const auto log = logged(source_server(), [&] { planned(); });
  const auto after = scans();
  EXPECT_EQ(after[0] - before[0], 1);         // the sample ...
  EXPECT_LT(after[1] - before[1], 55'000);    // ... which ends before the table does
  EXPECT_THAT(log, HasSubstr("Query Text"));
  for (const auto* forbidden : {"count(", "max(ctid", "max(id", "TABLESAMPLE"}) {
    EXPECT_THAT(log, Not(HasSubstr(forbidden)));
  }
  // The sample is cancelled, so no plan of it is logged. All others that touch the table use its index.
  int probes = 0;
  for (std::size_t at = 0; (at = log.find("Query Text", at)) != std::string::npos; ++at) {
    const auto query = log.substr(at, log.find("Query Text", at + 1) - at);
    if (query.find(" on profiles ") == std::string::npos) continue;
    ++probes;
    for (const auto* node : {"Seq Scan on profiles ", "Bitmap", "Sort", "Aggregate", "Parallel"}) {
      EXPECT_THAT(query, Not(HasSubstr(node)));
    }
  }
  EXPECT_GT(probes, 0) << log;
}

TEST_F(Plan, SaysWhatWouldBeDone) {
  make_profiles(50'000);
  const auto text = plan({"--batch-bytes", "1MB"});
  EXPECT_EQ(text.status, 0) << text;
  const auto* const format = same_version() ? "binary" : "text: the servers' major versions differ";
  for (const auto* word : {"public.profiles -> public.profiles: copy", "because", "histogram bounds", format, "chunks",
                           "id < ", "id in [", "tail: the next run replaces it", "build", "profiles_pkey", "profiles_name", "connections",
                           "5 to the source, 4 to the target", "time", "from a sample of", "is a superuser"}) {
    EXPECT_THAT(text.out, HasSubstr(word));
  }
  const auto document = planned({"--batch-bytes", "1MB"});
  EXPECT_GT(document["eta_seconds"], 0);
  EXPECT_GT(document["sample_bytes"], 5'000'000);
  EXPECT_EQ(document["findings"].size(), 1U);
  const auto table = document["tables"][0];
  EXPECT_EQ(table["high_water"], 150'000);
  EXPECT_EQ(table["estimated_rows"], 50'000);
  EXPECT_NEAR(estimated_bytes(table) / source_bytes(), 1, 0.1);
  EXPECT_TRUE(table["chunks"].back()["tail"]);
  EXPECT_EQ(table["indexes"].size(), 2U);
}

TEST_F(Plan, SaysWhatWouldBeRefused) {
  make_profiles(100);
  target_sql("CREATE TABLE public.profiles (id smallint, other int NOT NULL); INSERT INTO public.profiles VALUES (1, 2)");
  const auto text = plan();
  EXPECT_EQ(text.status, 3) << text;
  EXPECT_THAT(text.out, HasSubstr("copy would be refused"));
  EXPECT_THAT(text.out, HasSubstr("does not fit"));
  EXPECT_THAT(text.out, HasSubstr("is not empty"));
  const auto result = plan({"--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(json_of(result)["exit_code"], 3);
  const auto missing = plan({"--table", "public.no_such"});
  EXPECT_EQ(missing.status, 3) << missing;
  EXPECT_THAT(missing.out, HasSubstr("there is no such table on the source"));
}

// The sample is bounded by time even where the condition lets no row pass.
TEST_F(Plan, TheSampleOfASelectiveConditionIsBounded) {
  make_big_table();
  const auto started = std::chrono::steady_clock::now();
  const auto document = planned({"--table", profiles, "--where", "pg_sleep(0.001) IS NULL AND data = 'x'"});
  EXPECT_LT(std::chrono::steady_clock::now() - started, 30s);  // all of it would take a minute
  EXPECT_EQ(document["tables"].size(), 1U);
  EXPECT_EQ(document["findings"].size(), 1U) << document["findings"];
}

// The sample of one table must not spoil the session for the next.
TEST_F(Plan, SeveralTables) {
  make_big_table();
  source_sql("CREATE TABLE public.pages (v text); INSERT INTO public.pages SELECT repeat(md5(g::text), 30) FROM "
             "generate_series(1, 20000) g; CREATE TABLE public.small (v text)");
  const auto document = planned({"--table", profiles, "--table", "pages", "--table", "small"});
  ASSERT_EQ(document["tables"].size(), 3U);
  EXPECT_THAT(document["tables"][1]["reason"].get<std::string>(), HasSubstr("page ranges inside one snapshot"));
  EXPECT_THAT(document["tables"][2]["reason"].get<std::string>(), HasSubstr("no usable key and small"));
  EXPECT_GT(document["sample_bytes"], 64'000'000);
}

TEST_F(Plan, AfterAnInterruptedCopyItShowsWhatIsLeft) {
  make_profiles(50'000);
  const Arguments batches{"--batch-bytes", "500kB"};
  stopped({"--batch-bytes", "500kB", "--max-chunks", "5"});
  const auto ledger = "SELECT string_agg(c::text, ',' ORDER BY no) FROM pghaul.chunk c";
  const auto before = target_sql(ledger);
  const auto table = planned_table(batches);
  const auto left = std::stoi(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks"));
  EXPECT_EQ(table["action"],
            fmt::format("continue: {} of {} chunks left, then what the source has gained", left, left + 5));
  EXPECT_EQ(static_cast<int>(table["chunks"].size()), left);
  EXPECT_LT(estimated_bytes(table), 0.9 * source_bytes());
  EXPECT_GT(estimated_bytes(table), 0.2 * source_bytes());
  EXPECT_EQ(target_sql(ledger), before);
  EXPECT_EQ(planned_table({"--full"})["action"], "copy anew (--full)");

  copied(batches);
  add_profiles(1000, 60'000);
  const auto gain = planned_table(batches);
  EXPECT_EQ(gain["action"], "take what the source has gained");
  EXPECT_EQ(gain["chunks"].front()["text"], "id in [150001, 182998)");
}

}  // namespace
}  // namespace pghaul::test
