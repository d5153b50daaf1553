// Transactions that commit low keys after higher ones were copied: each row is found by this run or by the next one.
#include "scenario/late_rows.h"

namespace pghaul::test {
namespace {

TEST_F(LateRows, F2_Id100CommitsAfterId200WasCopied) {
  make_empty_profiles();
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles VALUES (100, '{}')");
  source_sql("INSERT INTO public.profiles VALUES (200, '{}'); SELECT setval('public.profiles_id_seq', 200)");
  const auto first = copied_at_once();
  EXPECT_FALSE(first["settled"]);
  EXPECT_EQ(first["high_water"], 200);
  EXPECT_TRUE(target_has("200"));
  EXPECT_FALSE(target_has("100"));
  late.run("COMMIT");
  const auto second = table_of(copied());
  EXPECT_TRUE(second["settled"]);
  EXPECT_EQ(second["late_rows"], 1);
  expect_complete(second);
  // Once found it is not looked for again.
  EXPECT_EQ(table_of(copied())["late_rows"], 0);
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.chunk WHERE kind = 'late'"), "1");
}

// No transaction id, no row, no lock on the table: only the sequence knows that a number was drawn.
TEST_F(LateRows, DrawnButNothingWrittenYet) {
  make_empty_profiles();
  insert_rows(50, "before");
  OpenSession late(source_conninfo());
  late.run("SELECT nextval('public.profiles_id_seq')");  // logs numbers ahead, so that the next one assigns no xid
  const auto drawn = late.run("BEGIN; SELECT nextval('public.profiles_id_seq')");
  ASSERT_EQ(late.run("SELECT coalesce(pg_current_xact_id_if_assigned()::text, 'none')"), "none");
  insert_rows(50, "after");
  const auto first = copied_at_once();
  EXPECT_FALSE(first["settled"]);
  EXPECT_FALSE(target_has(drawn));
  late.run(fmt::format("INSERT INTO public.profiles VALUES ({}, '{{}}'); COMMIT", drawn));
  const auto second = table_of(copied());
  EXPECT_EQ(second["late_rows"], 1);
  EXPECT_TRUE(target_has(drawn));
  expect_complete(second);
}

TEST_F(LateRows, WhoEndsInTimeIsWaitedFor) {
  make_empty_profiles();
  insert_rows(50, "before");
  OpenSession late(source_conninfo());
  const auto drawn = late.run("BEGIN; SELECT nextval('public.profiles_id_seq')");
  insert_rows(50, "after");
  auto running = start_waiting_copy();
  late.run(fmt::format("INSERT INTO public.profiles VALUES ({}, '{{}}'); COMMIT", drawn));
  const auto report = finished(running);
  EXPECT_TRUE(report["settled"]);
  EXPECT_TRUE(target_has(drawn));
  expect_complete(report);
}

TEST_F(LateRows, ReadersAreNotWaitedFor) {
  make_empty_profiles();
  insert_rows(50, "before");
  OpenSession reader(source_conninfo());
  reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT last_value FROM public.profiles_id_seq;"
             "SELECT FROM public.profiles FOR SHARE");
  const auto report = copied({"--late-wait", "60s"});
  EXPECT_LT(report["time_seconds"], 30);
  EXPECT_TRUE(table_of(report)["settled"]);
}

TEST_F(LateRows, OutlastsTwoRuns) {
  make_empty_profiles();
  insert_rows(50, "before");
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles (data) VALUES ('{\"late\": 1}')");
  insert_rows(50, "after");
  EXPECT_FALSE(copied_at_once()["settled"]);
  late.run("INSERT INTO public.profiles (data) VALUES ('{\"late\": 2}')");
  insert_rows(50, "after the first run");
  const auto second = copied_at_once();
  EXPECT_FALSE(second["settled"]);
  EXPECT_EQ(second["late_rows"], 0);
  late.run("SAVEPOINT s; INSERT INTO public.profiles (data) VALUES ('{\"late\": 3}'); RELEASE s");
  insert_rows(50, "after the second run");
  late.run("COMMIT");
  const auto third = table_of(copied());
  EXPECT_TRUE(third["settled"]);
  EXPECT_EQ(third["late_rows"], 2);  // the third lies above the mark, with what is new
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles WHERE data ? 'late'"), "3");
  expect_complete(third);
}

// One run that does not look must not make the next one forget what was recorded.
TEST_F(LateRows, IgnoredOnceIsNotForgotten) {
  make_empty_profiles();
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles (data) VALUES ('{\"late\": 1}')");
  insert_rows(50, "after");
  EXPECT_FALSE(copied_at_once()["settled"]);
  late.run("COMMIT");
  const auto second = table_of(copied({"--late-rows", "ignore"}));
  EXPECT_FALSE(second["settled"]);
  EXPECT_EQ(second["late_rows"], 0);
  const auto third = table_of(copied());
  EXPECT_EQ(third["late_rows"], 1);
  expect_complete(third);
}

TEST_F(LateRows, IgnoreWaitsForNobody) {
  make_empty_profiles();
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles (data) VALUES ('{\"late\": 1}')");
  insert_rows(50, "after");
  const auto report = copied({"--late-rows", "ignore"});
  EXPECT_LT(report["time_seconds"], 8);  // less than --late-wait would be
  EXPECT_FALSE(table_of(report)["settled"]);
  EXPECT_EQ(table_of(report)["rows"], 50);
}

// A run that is killed between plan and end leaves the search for late rows to the one that continues.
TEST_F(LateRows, FoundByTheRunThatContinues) {
  make_empty_profiles();
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles (data) VALUES ('{\"late\": 1}')");
  insert_rows(500, "after");
  EXPECT_FALSE(copied_at_once()["settled"]);
  insert_rows(500, "new");
  late.run("COMMIT");
  stopped({"--max-chunks", "1", "--writers", "1"});
  const auto last = table_of(copied());
  EXPECT_TRUE(last["resumed"]);
  expect_complete(last);
}

TEST_F(LateRows, E10_PreparedTransaction) {
  source_sql("ALTER SYSTEM SET max_prepared_transactions = 10");
  source_server().restart();
  make_empty_profiles();
  insert_rows(50, "before");
  const auto name = database() + "_prepared";
  source_sql(fmt::format("BEGIN; INSERT INTO public.profiles (data) VALUES ('{{\"late\": 1}}');"
                         "PREPARE TRANSACTION '{}'",
                         name));
  insert_rows(50, "after");
  EXPECT_FALSE(copied_at_once()["settled"]);
  // A restart gives its locks another owner's name.
  source_server().restart();
  EXPECT_FALSE(copied_at_once()["settled"]);
  auto running = start_waiting_copy();
  source_sql(fmt::format("COMMIT PREPARED '{}'", name));
  const auto last = finished(running);
  EXPECT_TRUE(last["settled"]);
  EXPECT_EQ(last["late_rows"], 1);
  expect_complete(last);
}

TEST_F(LateRows, ACachingSequenceIsWarnedAbout) {
  make_empty_profiles();
  insert_rows(10, "before");
  const auto expect_warning = [&](bool expected) {
    for (const auto* verb : {"plan", "copy"}) {
      const auto result = run_pghaul(command(verb, {}));
      EXPECT_EQ(result.status, 0) << result;
      const auto found = result.out.find("sequence public.profiles_id_seq has CACHE 20") != std::string::npos;
      EXPECT_EQ(found, expected) << result;
    }
  };
  expect_warning(false);
  source_sql("ALTER SEQUENCE public.profiles_id_seq CACHE 20");
  expect_warning(true);
}

}  // namespace
}  // namespace pghaul::test
