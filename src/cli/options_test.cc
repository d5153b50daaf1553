#include "cli/options.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/option_table.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

Invocation parse(const Words& words, const Variables& variables = {}) {
  return parse_options(words, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

Words with_required(const Words& words) {
  Words all{"copy", "--source", "host=a", "--target", "host=b", "--table", "t"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Invocation parse_copy(const Words& words, const Variables& variables = {}) {
  return parse(with_required(words), variables);
}

// Message and advice of the usage error.
std::string refusal(const Words& words, const Variables& variables = {}) {
  try {
    parse(words, variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what() + (error.advice().empty() ? "" : "; " + error.advice());
  }
  return "taken";
}
std::string copy_refusal(const Words& words, const Variables& variables = {}) {
  return refusal(with_required(words), variables);
}

TEST(Options, DefaultsAreThoseOfCopyOptions) {
  const auto parsed = parse_copy({}).copy;
  const PgCopyOptions fresh;
  EXPECT_EQ(parsed.readers, fresh.readers);
  EXPECT_EQ(parsed.plan.batch_bytes, fresh.plan.batch_bytes);
  EXPECT_EQ(parsed.timeout, fresh.timeout);
  EXPECT_EQ(parsed.late_wait, fresh.late_wait);
  EXPECT_EQ(parsed.max_rate, std::nullopt);
  EXPECT_EQ(parsed.ledger_schema, "pghaul");
  EXPECT_FALSE(parsed.full);
}

TEST(Options, EveryOptionOfCopyReachesItsField) {
  const auto invocation = parse_copy(
      {"--table", "s.u", "--full", "--readers", "3", "--writers=5", "--batch-bytes", "1.5MB", "--batch-rows", "77",
       "--chunk-by", "ctid", "--where", "id > -5", "--columns", "a,\"B,c\"", "--columns", "D", "--timeout", "2h",
       "--statement-timeout", "90s", "--connect-timeout", "3s", "--reconnect-timeout", "0", "--max-retries", "0",
       "--max-rate", "50MB/s", "--sleep", "100ms", "--max-chunks", "9", "--require-one-snapshot", "--late-wait", "1min",
       "--late-rows", "scan", "--after-copy", "analyze", "--allow", "triggers,rewritten,failover", "--allow", "foreign-keys", "--untested-version",
       "--take-over", "--ledger-schema", "L", "--progress", "json", "--json", "--verbose"});
  const auto& copy = invocation.copy;
  EXPECT_EQ(invocation.verb, Verb::copy);
  EXPECT_EQ(copy.source, "host=a");
  EXPECT_EQ(copy.target, "host=b");
  EXPECT_THAT(copy.tables, ElementsAre("t", "s.u"));
  EXPECT_THAT(copy.columns, ElementsAre("a", "B,c", "d"));
  EXPECT_EQ(copy.where_sql, "id > -5");
  EXPECT_TRUE(copy.full && copy.take_over && copy.require_one_snapshot);
  EXPECT_EQ(copy.readers, 3);
  EXPECT_EQ(copy.writers, 5);
  EXPECT_EQ(copy.plan.batch_bytes, 1'500'000);
  EXPECT_EQ(copy.plan.batch_rows, 77);
  EXPECT_EQ(copy.plan.chunk_by, ChunkBy::ctid);
  EXPECT_EQ(copy.timeout, std::chrono::hours(2));
  EXPECT_EQ(copy.statement_timeout, std::chrono::seconds(90));
  EXPECT_EQ(copy.connect_timeout, std::chrono::seconds(3));
  EXPECT_EQ(copy.reconnect_timeout, Duration::zero());
  EXPECT_EQ(copy.max_retries, 0);
  EXPECT_EQ(copy.max_rate, 50'000'000);
  EXPECT_EQ(copy.sleep, Duration(100));
  EXPECT_EQ(copy.max_chunks, 9);
  EXPECT_EQ(copy.late_wait, std::chrono::minutes(1));
  EXPECT_EQ(copy.late_rows, LateRows::scan);
  EXPECT_EQ(copy.after_copy, AfterCopy::analyze);
  EXPECT_TRUE(copy.allowed.triggers && copy.allowed.rewritten && copy.allowed.foreign_keys && copy.allowed.failover);
  EXPECT_TRUE(copy.allowed.untested_version);
  EXPECT_EQ(copy.ledger_schema, "L");
  EXPECT_EQ(invocation.progress, ProgressStyle::json);
  EXPECT_TRUE(invocation.json && invocation.verbose);
  EXPECT_EQ(parse_copy({"--snapshot", "chunk", "--on-conflict", "update"}).copy.on_conflict, OnConflict::update);
  EXPECT_EQ(parse_copy({"--snapshot", "chunk"}).copy.snapshot, SnapshotMode::chunk);
}

TEST(Options, PlanTakesWhatCopyTakes) {
  auto words = with_required({"--readers", "7"});
  words.front() = "plan";
  const auto invocation = parse(words);
  EXPECT_EQ(invocation.verb, Verb::plan);
  EXPECT_EQ(invocation.copy.readers, 7);
}

TEST(Options, StatusAndDemo) {
  const auto status = parse({"status", "--target", "host=b", "--ledger-schema", "x", "--connect-timeout", "2s"});
  EXPECT_EQ(status.verb, Verb::status);
  EXPECT_EQ(status.status.target, "host=b");
  EXPECT_EQ(status.status.ledger_schema, "x");
  EXPECT_EQ(status.status.connect_timeout, std::chrono::seconds(2));
  const auto demo = parse({"demo", "--rows", "5000", "--keep"});
  EXPECT_EQ(demo.demo.rows, 5000);
  EXPECT_TRUE(demo.demo.keep);
  EXPECT_THAT(refusal({"status", "--target", "x", "--readers", "1"}), HasSubstr("unknown option --readers"));
}

TEST(Options, EnvironmentStandsInForWhatIsNotGiven) {
  const Variables variables{{"PGHAUL_SOURCE", "host=s"}, {"PGHAUL_TARGET", "host=t"}, {"PGHAUL_READERS", "9"},
                            {"PGHAUL_BATCH_BYTES", "1MB"}, {"PGHAUL_WRITERS", ""}};
  const auto copy = parse({"copy", "--table", "t", "--readers", "4"}, variables).copy;
  EXPECT_EQ(copy.source, "host=s");
  EXPECT_EQ(copy.target, "host=t");
  EXPECT_EQ(copy.readers, 4) << "the command line wins";
  EXPECT_EQ(copy.plan.batch_bytes, 1'000'000);
  EXPECT_EQ(copy.writers, PgCopyOptions().writers) << "empty is not set";
  EXPECT_EQ(parse({"status"}, variables).status.target, "host=t");
  EXPECT_THAT(copy_refusal({}, {{"PGHAUL_READERS", "many"}}), HasSubstr("PGHAUL_READERS: 'many' is not a whole number"));
}

TEST(Options, MissingOnes) {
  EXPECT_THAT(refusal({"copy", "--target", "b", "--table", "t"}), HasSubstr("--source is missing"));
  EXPECT_THAT(refusal({"copy", "--source", "a", "--table", "t"}), HasSubstr("--target is missing"));
  EXPECT_THAT(refusal({"plan", "--source", "a", "--target", "b"}), HasSubstr("--table is missing"));
  EXPECT_THAT(refusal({"status"}), HasSubstr("--target is missing; give --target URI, or set PGHAUL_TARGET"));
  EXPECT_THAT(refusal({}), HasSubstr("no command; see pghaul --help"));
  EXPECT_THAT(copy_refusal({"--readers"}), HasSubstr("--readers: 1 required"));
}

TEST(Options, EachBadValueIsRefusedByName) {
  const std::vector<std::pair<Words, std::string>> cases{
      {{"--readers", "0"}, "--readers: '0' is not a whole number from 1 to 64"},
      {{"--readers", "65"}, "--readers: '65' is not a whole number from 1 to 64"},
      {{"--writers", "-1"}, "--writers: '-1' is not a whole number from 1 to 64"},
      {{"--writers", "2x"}, "--writers: '2x' is not a whole number from 1 to 64"},
      {{"--writers", ""}, "--writers: '' is not a whole number"},
      {{"--batch-bytes", "8mb"}, "--batch-bytes: '8mb' is not a size"},
      {{"--batch-bytes", "-8MB"}, "--batch-bytes: '-8MB' is not a size"},
      {{"--batch-bytes", "63999"}, "--batch-bytes: '63999' is not a size from 64kB to 1GB"},
      {{"--batch-bytes", "1GiB"}, "--batch-bytes: '1GiB' is not a size from 64kB to 1GB"},
      {{"--batch-rows", "0"}, "--batch-rows: '0' is not a whole number of at least 1"},
      {{"--chunk-by", "hash"}, "--chunk-by: 'hash' is not one of auto, key, ctid, whole"},
      {{"--snapshot", "none"}, "--snapshot: 'none' is not one of shared, chunk"},
      {{"--late-rows", "x"}, "--late-rows: 'x' is not one of wait, scan, ignore"},
      {{"--on-conflict", "replace"}, "--on-conflict: 'replace' is not one of error, skip, update"},
      {{"--progress", "dots"}, "--progress: 'dots' is not one of auto, bar, plain, json, none"},
      {{"--allow", "triggers,views"}, "--allow: 'views' is not one of triggers, foreign-keys, rewritten, failover"},
      {{"--allow", ""}, "--allow: '' is not one of"},
      {{"--timeout", "5"}, "--timeout: '5' is not a time; write a number and directly behind it one of ms, s, min, h"},
      {{"--timeout", "0"}, "--timeout: '0' is not a time from 1ms to 24000h"},
      {{"--timeout", "-1s"}, "--timeout: '-1s' is not a time"},
      {{"--timeout", "24001h"}, "--timeout: '24001h' is not a time from"},
      {{"--statement-timeout", "501h"}, "--statement-timeout: '501h' is not a time from 1ms to 500h"},
      {{"--statement-timeout", "0"}, "--statement-timeout: '0' is not a time from"},
      {{"--connect-timeout", "0"}, "--connect-timeout: '0' is not a time from"},
      {{"--reconnect-timeout", "1d"}, "--reconnect-timeout: '1d' is not a time"},
      {{"--sleep", "1 s"}, "--sleep: '1 s' is not a time"},
      {{"--late-wait", "x"}, "--late-wait: 'x' is not a time"},
      {{"--max-retries", "4"}, "--max-retries: '4' is not a whole number from 0 to 3"},
      {{"--max-retries", "-1"}, "--max-retries: '-1' is not a whole number from 0 to 3"},
      {{"--max-rate", "50MB"}, "--max-rate: '50MB' is not a rate; write it as 50MB/s"},
      {{"--max-rate", "0MB/s"}, "--max-rate: '0MB/s' is no rate"},
      {{"--max-chunks", "0"}, "--max-chunks: '0' is not a whole number of at least 1"},
      {{"--where", ""}, "--where: the value is empty"},
      {{"--where", "  "}, "--where: the value is empty"},
      {{"--where="}, "--where: the value is empty"},
      {{"--ledger-schema", ""}, "--ledger-schema: the value is empty"},
      {{"--columns", ""}, "--columns: '' is not the name of a column"},
      {{"--columns", "a,,b"}, "--columns: '' is not the name of a column"},
      {{"--columns", "a,"}, "--columns: '' is not the name of a column"},
      {{"--columns", "\"a"}, "--columns: '\"a' is not the name of a column"},
      {{"--columns", "\"\""}, "--columns: '\"\"' is not the name of a column"},
      {{"--columns", "a,b,A"}, "--columns: a is given twice"},
      {{"--columns", "a", "--columns", "a"}, "--columns: a is given twice"},
      {{"--table", "t"}, "--table: public.t is given twice"},
      {{"--table", "Public.T"}, "--table: public.t is given twice"},
      {{"--table", "a.b.c"}, "--table: "},
      {{"--table", ""}, "--table: the value is empty"},
  };
  for (const auto& [words, message] : cases) EXPECT_THAT(copy_refusal(words), HasSubstr(message));
  EXPECT_THAT(refusal({"copy", "--source", "", "--target", "b", "--table", "t"}), HasSubstr("--source: the value is empty"));
  EXPECT_THAT(refusal({"demo", "--rows", "0"}), HasSubstr("--rows: '0' is not a whole number from 1"));
}

TEST(Options, LimitsThemselvesAreTaken) {
  EXPECT_EQ(parse_copy({"--readers", "64", "--writers", "1"}).copy.readers, 64);
  EXPECT_EQ(parse_copy({"--batch-bytes", "64kB"}).copy.plan.batch_bytes, 64'000);
  EXPECT_EQ(parse_copy({"--batch-bytes", "1GB"}).copy.plan.batch_bytes, 1'000'000'000);
  EXPECT_EQ(parse_copy({"--max-retries", "3"}).copy.max_retries, 3);
  EXPECT_EQ(parse_copy({"--statement-timeout", "500h"}).copy.statement_timeout, std::chrono::hours(500));
}

TEST(Options, Contradictions) {
  EXPECT_THAT(copy_refusal({"--full", "--on-conflict", "skip"}), HasSubstr("--full and --on-conflict skip contradict"));
  EXPECT_THAT(copy_refusal({"--full", "--on-conflict", "update"}), HasSubstr("--full and --on-conflict update contradict"));
  EXPECT_THAT(copy_refusal({"--chunk-by", "ctid", "--snapshot", "chunk"}),
              HasSubstr("--chunk-by ctid and --snapshot chunk contradict"));
  EXPECT_THAT(copy_refusal({"--require-one-snapshot", "--snapshot", "chunk"}),
              HasSubstr("--require-one-snapshot and --snapshot chunk contradict"));
  EXPECT_THAT(copy_refusal({"--late-rows", "ignore", "--late-wait", "10s"}),
              HasSubstr("--late-rows ignore and --late-wait contradict"));
  EXPECT_TRUE(parse_copy({"--full", "--on-conflict", "error"}).copy.full);
  EXPECT_EQ(parse_copy({"--late-rows", "ignore"}).copy.late_rows, LateRows::ignore);
  EXPECT_EQ(parse_copy({"--late-rows", "ignore"}, {{"PGHAUL_LATE_WAIT", "5s"}}).copy.late_rows, LateRows::ignore);
}

TEST(Options, GivenTwiceIsRefusedUnlessItIsAList) {
  EXPECT_THAT(copy_refusal({"--readers", "2", "--readers", "3"}), HasSubstr("--readers: At Most 1 required but received 2"));
  EXPECT_TRUE(parse_copy({"--full", "--full"}).copy.full);
  EXPECT_THAT(copy_refusal({"--full=false"}), HasSubstr("--full takes no value"));
  EXPECT_THAT(copy_refusal({"--full="}), HasSubstr("--full takes no value"));
}

TEST(Options, UnknownWordsAreNamedButNeverTheirValues) {
  const std::string uri = "postgresql://u:hunter2@prod/db";
  for (const Words& words : {Words{"copy", "--sorce", uri}, Words{"copy", "--sorce=" + uri}, Words{uri},
                             Words{"copy", uri}, Words{"status", "--target", "x", uri}}) {
    EXPECT_THAT(refusal(words), Not(HasSubstr("hunter2")));
    EXPECT_NE(refusal(words), "taken");
  }
  EXPECT_THAT(refusal({"copy", "--sorce", uri}), HasSubstr("unknown option --sorce; see pghaul copy --help"));
  EXPECT_THAT(refusal({"cpoy"}), HasSubstr("unknown command cpoy"));
  EXPECT_THAT(copy_refusal({"more"}), HasSubstr("unexpected argument more"));
  EXPECT_THAT(copy_refusal({"plan"}), HasSubstr("unexpected argument plan"));
}

TEST(Options, HelpNeedsNothingElse) {
  EXPECT_TRUE(parse({"--help"}).help);
  EXPECT_TRUE(parse({"copy", "-h", "--readers", "0"}).help);
  EXPECT_EQ(parse({"status", "--help"}).verb, Verb::status);
  EXPECT_EQ(parse({"--help", "copy"}).verb, Verb::copy);
  EXPECT_TRUE(parse({"--version"}).version);
  EXPECT_TRUE(parse({"--list-failpoints"}).list_failpoints);
}

TEST(Help, FitsTheTerminal) {
  for (const auto& [asked, width] : {std::pair(80u, 80u), {60u, 60u}, {50u, 50u}, {100u, 100u}, {400u, 100u}}) {
    for (const Verb verb : {Verb::none, Verb::copy, Verb::plan, Verb::status, Verb::demo, Verb::config}) {
      std::istringstream lines(help_text(verb, asked));
      std::size_t widest = 0;
      for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
      EXPECT_LE(widest, width);
      EXPECT_GT(widest, width * 3 / 4) << "the room is used";
    }
  }
  EXPECT_EQ(help_text(Verb::copy, 0), help_text(Verb::copy, 40));
}

TEST(Help, HasExamplesAndSaysWhereTheManualIs) {
  for (const Verb verb : {Verb::none, Verb::copy, Verb::status, Verb::config}) {
    EXPECT_THAT(help_text(verb), HasSubstr("\nExamples\n"));
  }
  EXPECT_THAT(help_text(Verb::copy), HasSubstr("    pghaul copy --source 'host=prod dbname=shop' \\\n"));
  EXPECT_THAT(help_text(Verb::demo), HasSubstr("The manual: man pghaul\n"));
}

TEST(Help, TellsEveryOptionDefaultAndExitCode) {
  const auto text = help_text(Verb::copy);
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verbs::copy) == 0) continue;
    EXPECT_THAT(text, HasSubstr("  " + std::string(spec.name)));
    if (!spec.environment) continue;
    EXPECT_THAT(text, HasSubstr(environment_name(spec)));
  }
  EXPECT_THAT(text, HasSubstr("Default: 10s."));
  EXPECT_THAT(text, HasSubstr("Default: 8MB."));
  EXPECT_THAT(text, HasSubstr("4  stopped"));
  EXPECT_THAT(help_text(Verb::status), Not(HasSubstr("--readers")));
}

}  // namespace
}  // namespace pghaul
