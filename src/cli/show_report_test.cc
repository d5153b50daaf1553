#include "cli/show_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/text.h"

namespace pghaul {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

TableReport complete_table() {
  TableReport table;
  table.source_table = "public.profiles";
  table.target_table = "stats.profiles";
  table.state = "complete";
  table.generation = 1;
  table.rows = table.rows_total = 1'000'000;
  table.bytes = table.bytes_total = 350'000'000;
  table.chunks = table.chunks_total = 44;
  table.late_rows = 3;
  table.high_water = 1'000'000'000'000;
  table.created = {"table", "primary key profiles_pkey"};
  return table;
}

CopyReport complete_report() {
  CopyReport report;
  report.tables = {complete_table()};
  report.time = 10s;
  report.snapshots = 1;
  report.snapshot_text = "one point in time";
  return report;
}

CopyReport paused_report() {
  auto report = complete_report();
  auto& table = report.tables[0];
  table.state = "paused";
  table.resumed = true;
  table.rows_total = 2'000'000;
  table.bytes_total = 700'000'000;
  table.chunks_total = 88;
  table.chunks_left = 12;
  table.settled = false;
  table.remarks = {"transaction 7\x1b[2J still runs."};
  return report;
}

TEST(Text, NumbersAndWidths) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(-999), "-999");
  EXPECT_EQ(grouped(INT64_MIN), "-9,223,372,036,854,775,808");
  EXPECT_EQ(counted(1, "chunk"), "1 chunk");
  EXPECT_EQ(counted(2000, "chunk"), "2,000 chunks");
  EXPECT_EQ(one_line("a\nb\tc\x1b"), "a b c\\x1b");
  EXPECT_EQ(fitted("añb", 5), "añb  ");
  EXPECT_EQ(fitted("añbcdef", 4), "añb…");
  EXPECT_EQ(shortened("añ", 2), "añ");
  EXPECT_EQ(shortened("abc", 0), "");
}

CopyReport report_with_stages() {
  auto report = complete_report();
  StageReport readers;
  readers.stage = "readers";
  readers.threads = 2;
  readers.rows = 6'000'000;
  readers.bytes = 1'060'000'000;
  readers.time = 20s;
  readers.cpu = 520ms;
  readers.working = 1s;
  readers.for_input = 8s;
  readers.for_output = 10s;
  readers.held = 1s;
  readers.waits = {{"source_rows", 8s}, {"no_room", 10s}, {"target_room", 900us}, {"sleep", 1s}};
  report.stages = {readers};
  report.limit = {"target server", "writers waited"};
  return report;
}

TEST(CopyText, TellsWhereTheTimeWent) {
  EXPECT_THAT(copy_text(report_with_stages()),
              HasSubstr("where the time went\n"
                        "              threads        time  working  for input  for output   held       CPU           rows     bytes\n"
                        "  readers           2      20.0 s      5 %       40 %        50 %    5 %    0.52 s      6,000,000   1.06 GB\n"
                        "  readers     waited 10.0 s for room in the queue, 8.00 s for rows of the source, 1.00 s by --sleep\n"
                        "  limit       target server: writers waited\n"));
  EXPECT_THAT(copy_text(complete_report()), Not(HasSubstr("where the time went")));
}

TEST(CopyJson, TellsWhereTheTimeWent) {
  const auto report = report_with_stages();
  const auto document = json::parse(copy_json(&report, nullptr, 0));
  const auto& readers = document["stages"][0];
  EXPECT_EQ(readers["time_seconds"], 20.0);
  EXPECT_EQ(readers["for_output_seconds"], 10.0);
  EXPECT_EQ(readers["waits"]["target_room_seconds"], 0.0009);
  EXPECT_EQ(document["limit"]["by"], "target server");
}

TEST(CopyText, TellsAllOfACompleteCopy) {
  EXPECT_EQ(copy_text(complete_report()),
            "public.profiles -> stats.profiles: complete\n"
            "  generation  1\n"
            "  rows        1,000,000\n"
            "  bytes       350 MB, 35.0 MB/s\n"
            "  chunks      44\n"
            "  retries     0\n"
            "  late rows   3 found\n"
            "  up to key   1,000,000,000,000\n"
            "  created     table, primary key profiles_pkey\n"
            "all tables\n"
            "  time        10.0 s\n"
            "  rows are of one point in time\n");
}

TEST(CopyText, TellsWhatIsLeftAndHowToContinue) {
  const auto text = copy_text(paused_report());
  EXPECT_THAT(text, HasSubstr("stats.profiles: paused\n  generation  1, resumed\n"));
  EXPECT_THAT(text, HasSubstr("  rows        1,000,000 (2,000,000 with earlier runs)\n"));
  EXPECT_THAT(text, HasSubstr("  bytes       350 MB (700 MB with earlier runs), 35.0 MB/s\n"));
  EXPECT_THAT(text, HasSubstr("  left        12 chunks\n"));
  EXPECT_THAT(text, Not(HasSubstr("up to key"))) << "not all of it is there yet";
  EXPECT_THAT(text, HasSubstr("late rows   3 found; more may come"));
  EXPECT_THAT(text, HasSubstr("  remark      transaction 7\\x1b[2J still runs.\n")) << "no escape sequences";
  EXPECT_THAT(text, HasSubstr("  next        run the same pghaul copy again, without --full"));
  auto warned = paused_report();
  warned.findings = {{Finding::Severity::warning, "public.t", "cache is 10", ""}};
  EXPECT_EQ(copy_text(warned), text + "warning: public.t: cache is 10\n");
}

TEST(CopyText, CompleteMeansNothingLeftInAnyTable) {
  auto report = complete_report();
  EXPECT_TRUE(is_complete(report));
  report.tables.push_back(complete_table());
  report.tables[1].state = "unchanged";
  EXPECT_TRUE(is_complete(report));
  EXPECT_THAT(copy_text(report), HasSubstr("all tables\n  rows        2,000,000\n  bytes       700 MB, 70.0 MB/s\n"));
  report.tables[1].chunks_left = 1;
  EXPECT_FALSE(is_complete(report));
  report.tables[1] = complete_table();
  report.tables[1].state = "interrupted";
  EXPECT_FALSE(is_complete(report));
}

TEST(CopyJson, HasAllFields) {
  const auto report = complete_report();
  const auto document = json::parse(copy_json(&report, nullptr, 0));
  EXPECT_EQ(document["exit_code"], 0);
  EXPECT_EQ(document["complete"], true);
  EXPECT_EQ(document["time_seconds"], 10.0);
  EXPECT_EQ(document["snapshot_text"], "one point in time");
  EXPECT_FALSE(document.contains("error"));
  const auto& table = document["tables"][0];
  EXPECT_EQ(table["rows"], 1'000'000);
  EXPECT_EQ(table["high_water"], 1'000'000'000'000);
  EXPECT_EQ(table["created"], json({"table", "primary key profiles_pkey"}));
  EXPECT_EQ(table["remarks"], json::array());
  EXPECT_EQ(table.size(), 18u);
}

TEST(CopyJson, AnErrorStandsBesideThePartialReport) {
  const auto report = paused_report();
  const auto error = Error(ErrorKind::stopped, "stopped by a signal").on(Side::target).about("public.t")
                         .with_sqlstate("57014").with_detail("row (secret)").safe("32 chunks").advise("run it again");
  const auto text = copy_json(&report, &error, 4);
  const auto document = json::parse(text);
  EXPECT_EQ(document["error"],
            json({{"kind", "stopped"}, {"side", "target"}, {"object", "public.t"}, {"range", nullptr},
                  {"sqlstate", "57014"}, {"errno", nullptr}, {"message", "stopped by a signal"},
                  {"safe", "32 chunks"}, {"next", "run it again"}}));
  EXPECT_EQ(document["exit_code"], 4);
  EXPECT_EQ(document["tables"][0]["chunks_left"], 12);
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_EQ(json::parse(copy_json(nullptr, &error, 4)).size(), 2u) << "without a report";
}

TEST(CopyJson, BytesThatAreNotUtf8DoNoHarm) {
  const Error error(ErrorKind::failed, "bad \xff byte");
  EXPECT_THAT(json::parse(copy_json(nullptr, &error, 5))["error"]["message"].get<std::string>(), HasSubstr("bad "));
}

TEST(Findings, TextAndJson) {
  const std::vector<Finding> findings{{Finding::Severity::warning, "public.t", "cache is 10", "CACHE 1"},
                                      {Finding::Severity::error, "", "read\nonly", ""}};
  EXPECT_EQ(findings_text(findings), "warning: public.t: cache is 10\n  next:       CACHE 1\nerror: read only\n");
  EXPECT_EQ(findings_text({}), "");
  EXPECT_TRUE(has_errors(findings));
  EXPECT_FALSE(has_errors({findings[0]}));
  EXPECT_EQ(findings_json(findings),
            R"({"findings":[{"severity":"warning","table":"public.t","text":"cache is 10","advice":"CACHE 1"},)"
            R"({"severity":"error","table":null,"text":"read\nonly","advice":null}]})"
            "\n");
  EXPECT_EQ(json::parse(findings_json({}))["findings"], json::array());
}

PlanReport plan_of(int chunks) {
  PlannedTable table;
  table.source_table = table.target_table = "public.t";
  table.action = "copy";
  table.reason = "histogram of id";
  table.record_format = "binary";
  table.key_column = "id";
  table.estimated_rows = 1000;
  table.estimated_bytes = 80'000'000;
  table.rows_per_batch = 100;
  for (int i = 0; i < chunks; ++i) {
    table.chunks.push_back({"id in [" + std::to_string(i) + ", …)", 8'000'000, i == 0, i == chunks - 1});
  }
  table.indexes = {"PRIMARY KEY t_pkey (id)"};
  PlanReport report;
  report.tables = {table};
  report.source_connections = 5;
  report.target_connections = 3;
  report.sample_bytes = 8'000'000;
  report.sample_time = 400ms;
  report.eta = 4s;
  return report;
}

TEST(PlanText, ShowsTenChunksUnlessVerbose) {
  const auto text = plan_text(plan_of(12), false);
  EXPECT_THAT(text, HasSubstr("public.t -> public.t: copy\n  because     histogram of id\n  format      binary\n"
                              "  size        about 80.0 MB, 1,000 rows\n  key         id\n"));
  EXPECT_THAT(text, HasSubstr("  chunks      12\n              id in [0, …), about 8.00 MB, cut further on the way\n"));
  EXPECT_THAT(text, HasSubstr("id in [9, …)"));
  EXPECT_THAT(text, Not(HasSubstr("id in [10, …)")));
  EXPECT_THAT(text, HasSubstr("… and 2 more (--verbose)"));
  EXPECT_THAT(text, HasSubstr("  build       PRIMARY KEY t_pkey (id)\n"));
  EXPECT_THAT(text, HasSubstr("5 to the source, 3 to the target"));
  EXPECT_THAT(text, HasSubstr("about 4.00 s, from a sample of 8.00 MB in 0.40 s"));
  const auto all = plan_text(plan_of(12), true);
  EXPECT_THAT(all, HasSubstr("id in [11, …), about 8.00 MB, tail: the next run replaces it\n"));
  EXPECT_THAT(all, Not(HasSubstr("more")));
  EXPECT_THAT(plan_text(plan_of(10), false), Not(HasSubstr("more")));
}

TEST(PlanText, ThePrimaryOfAStandbyIsCounted) {
  auto report = plan_of(1);
  report.primary_connections = 1;
  EXPECT_THAT(plan_text(report, false), HasSubstr("5 to the source, 1 to its primary, 3 to the target"));
}

TEST(PlanText, WhatKeepsRowsFromBinary) {
  auto report = plan_of(1);
  report.tables[0].record_format = "text";
  report.tables[0].why_text = "type public.mood of column m is not known";
  EXPECT_THAT(plan_text(report, false), HasSubstr("  format      text: type public.mood of column m is not known\n"));
  EXPECT_EQ(json::parse(plan_json(&report, nullptr, 0))["tables"][0]["why_text"],
            "type public.mood of column m is not known");
  const auto binary = plan_of(1);
  EXPECT_EQ(json::parse(plan_json(&binary, nullptr, 0))["tables"][0]["why_text"], nullptr);
}

TEST(PlanText, UnknownsAndErrorsAreSaid) {
  auto report = plan_of(1);
  report.eta.reset();
  report.tables[0].estimated_rows = -1;
  report.findings = {{Finding::Severity::error, "public.t", "is a view", "name a table"}};
  const auto text = plan_text(report, false);
  EXPECT_THAT(text, HasSubstr("rows unknown"));
  EXPECT_THAT(text, HasSubstr("time        unknown: nothing was measured"));
  EXPECT_THAT(text, HasSubstr("copy would be refused"));
  EXPECT_THAT(text, HasSubstr("error: public.t: is a view\n  next:       name a table\n"));
}

TEST(PlanJson, HasAllChunks) {
  const auto report = plan_of(12);
  const auto document = json::parse(plan_json(&report, nullptr, 0));
  EXPECT_EQ(document["tables"][0]["chunks"].size(), 12u);
  EXPECT_EQ(document["tables"][0]["chunks"][0],
            json({{"text", "id in [0, …)"}, {"estimated_bytes", 8'000'000}, {"coarse", true}, {"tail", false}, {"member", nullptr}}));
  EXPECT_EQ(document["tables"][0]["high_water"], nullptr);
  EXPECT_EQ(document["eta_seconds"], 4.0);
  EXPECT_EQ(document["sample_time_seconds"], 0.4);
}

StatusReport interrupted_status() {
  TableStatus table;
  table.id = 1;
  table.source_table = table.target_table = "public.t";
  table.state = "interrupted";
  table.generation = 2;
  table.chunks_done = 40;
  table.chunks_pending = 41;
  table.rows_done = 1'200'000;
  table.bytes_done = 320'000'000;
  table.bytes_pending = 328'000'000;
  table.bytes_per_second = 32e6;
  table.eta = 10'200ms;
  table.resumable = true;
  table.resume_text = "at most 2 chunks are done twice";
  table.failures = {"f1", "f2", "f3", "f4"};
  return {true, "pghaul", {table}};
}

TEST(StatusText, TellsDoneToDoAndResume) {
  EXPECT_EQ(status_text(interrupted_status(), false),
            "1: public.t -> public.t: interrupted\n"
            "  generation  2\n"
            "  done        40 of 81 chunks, 1,200,000 rows, 320 MB\n"
            "  to do       41 chunks, about 328 MB\n"
            "  rate        32.0 MB/s\n"
            "  ETA         10.2 s\n"
            "  resume      yes: at most 2 chunks are done twice\n"
            "  failure     f1\n"
            "  failure     f2\n"
            "  failure     f3\n"
            "              … and 1 more (--verbose)\n");
  EXPECT_THAT(status_text(interrupted_status(), true), HasSubstr("failure     f4\n"));
}

TEST(StatusText, AbsurdNumbersOfALedgerDoNotOverflow) {
  auto report = interrupted_status();
  report.tables[0].chunks_done = report.tables[0].chunks_pending = INT64_MAX;
  EXPECT_THAT(status_text(report, false),
              HasSubstr("done        9,223,372,036,854,775,807 of 9,223,372,036,854,775,807 chunks"));
}

TEST(StatusText, NoLedgerAndNoCopies) {
  EXPECT_THAT(status_text({false, "pghaul", {}}, false), HasSubstr("no ledger in schema pghaul"));
  EXPECT_THAT(status_text({true, "pghaul", {}}, false), HasSubstr("knows no table copy"));
}

// A line for each of a thousand would be no summary.
TEST(StatusText, MembersAreSummedUp) {
  auto report = interrupted_status();
  for (int i = 0; i < 1000; ++i) report.tables[0].members.push_back({"public.t_" + std::to_string(i), 2, i < 12 ? 3 : 0, 50});
  const auto text = status_text(report, false);
  EXPECT_THAT(text, HasSubstr("988 of 1,000 partitions or children done"));
  EXPECT_THAT(text, HasSubstr("public.t_9: 2 of 5 chunks"));
  EXPECT_THAT(text, Not(HasSubstr("public.t_10:")));
  EXPECT_THAT(text, HasSubstr("… and 2 more (--verbose)"));
  EXPECT_THAT(status_text(report, true), HasSubstr("public.t_11: 2 of 5 chunks"));
  const auto document = json::parse(status_json(&report, nullptr, 0));
  EXPECT_EQ(document["tables"][0]["members"].size(), 1000u);
  EXPECT_EQ(document["tables"][0]["members"][3], json({{"name", "public.t_3"}, {"chunks_done", 2}, {"chunks_pending", 3}, {"rows_done", 50}}));
}

TEST(PlanText, MembersAreSummedUp) {
  auto report = plan_of(0);
  for (int i = 0; i < 30; ++i) report.tables[0].chunks.push_back({"id < 9", 1'000'000, false, false, "public.t_" + std::to_string(i / 2)});
  const auto text = plan_text(report, false);
  EXPECT_THAT(text, HasSubstr("public.t_9: 2 chunks, about 2.00 MB"));
  EXPECT_THAT(text, Not(HasSubstr("public.t_10: ")));
  EXPECT_THAT(text, HasSubstr("… and 5 more (--verbose)"));
}

TEST(StatusJson, HasAllFields) {
  const auto report = interrupted_status();
  const auto document = json::parse(status_json(&report, nullptr, 0));
  EXPECT_EQ(document["ledger"], true);
  EXPECT_EQ(document["tables"][0]["chunks_pending"], 41);
  EXPECT_EQ(document["tables"][0]["eta_seconds"], 10.2);
  EXPECT_EQ(document["tables"][0]["owner"], nullptr);
  EXPECT_EQ(document["tables"][0]["failures"].size(), 4u);
  EXPECT_EQ(document["tables"][0].size(), 23u);
}

}  // namespace
}  // namespace pghaul
