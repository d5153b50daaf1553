// --max-snapshot-age: nothing on the source is held back longer, and every row arrives all the same.
#include <atomic>

#include "pg/connection.h"
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

using Clock = std::chrono::steady_clock;

// Looks all the time how long sessions of ours hold the horizon of vacuum back. Each look uses up a
// transaction id, so that every snapshot is known by its own.
class HorizonWatch {
 public:
  explicit HorizonWatch(const std::string& conninfo)
      : connection_(pg::parse_endpoint(Side::source, conninfo), {}), thread_([this] { watch(); }) {}
  ~HorizonWatch() { end(); }

  // The longest time that one was seen.
  Clock::duration longest() {
    end();
    Clock::duration longest{0};
    for (const auto& [xmin, times] : seen_) longest = std::max(longest, times.second - times.first);
    return longest;
  }
  std::size_t horizons() const { return seen_.size(); }

 private:
  void watch() {
    while (!done_) {
      const auto rows = connection_.run(
          "SELECT pg_current_xact_id(); SELECT DISTINCT backend_xmin::text FROM pg_stat_activity WHERE "
          "backend_xmin IS NOT NULL AND "
          "application_name LIKE 'pghaul %' AND datname = current_database()",
          Deadline::after(30s));
      const auto now = Clock::now();
      for (int row = 0; row < rows.rows(); ++row) {
        seen_.try_emplace(std::string(rows.text(row, 0)), now, now).first->second.second = now;
      }
      std::this_thread::sleep_for(10ms);
    }
  }
  void end() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }

  pg::Connection connection_;
  std::map<std::string, std::pair<Clock::time_point, Clock::time_point>> seen_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class SnapshotAge : public CopyTest {
 protected:
  // A table without a key, of about 110 pages.
  void make_pages() const {
    source_sql(
        "CREATE TABLE public.pages AS SELECT g AS n, repeat('x', 100) AS v FROM generate_series(1, 6000) g");
  }
};

TEST_F(SnapshotAge, HoldsNothingBackLonger) {
  make_profiles(4000);
  HorizonWatch watch(source_conninfo());
  auto running = start_copy({"--max-snapshot-age", "2s", "--max-rate", "130kB/s", "--json"});
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(3); })) << running.err();
  add_profiles(50, 4001);  // in mid-copy
  const auto result = running.finish();
  ASSERT_EQ(result.status, 0) << result;
  EXPECT_LE(watch.longest(), 2s);
  EXPECT_GE(watch.longest(), 500ms);
  const auto report = json_of(result);
  EXPECT_GE(report["snapshots"].get<int>(), 3);
  EXPECT_THAT(report["snapshot_text"].get<std::string>(),
              HasSubstr("snapshots, none held longer than 2.00 s"));
  copied();
  expect_equal();
}

// A chunk that takes longer than a snapshot may last is read in pieces.
TEST_F(SnapshotAge, OfChunksThatTakeLonger) {
  make_profiles(900);
  HorizonWatch watch(source_conninfo());
  const auto report =
      copied({"--max-snapshot-age", "1s", "--where", "id % 90 <> 0 OR pg_sleep(0.1) IS NOT NULL"});
  EXPECT_LE(watch.longest(), 1s);
  EXPECT_GE(report["tables"][0]["chunks"].get<int>(), 4);
  EXPECT_GE(report["tables"][0]["retries"].get<int>(), 1);
  expect_equal();
}

TEST_F(SnapshotAge, WhatCannotBeCutSaysWhatToDo) {
  make_profiles(900);
  const auto result = copy({"--max-snapshot-age", "1s", "--chunk-by", "whole", "--max-retries", "0",
                            "--where", "id % 90 <> 0 OR pg_sleep(0.1) IS NOT NULL"});
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("the chunk takes longer than its snapshot may get old"));
  EXPECT_THAT(result.err, HasSubstr("raise --max-snapshot-age"));
}

// The writer makes the reader wait in the midst of a COPY, where the server heeds no timeout.
TEST_F(SnapshotAge, OfABatchThatNobodyTakes) {
  const std::string table = "CREATE TABLE public.profiles (id bigint PRIMARY KEY, data text)";
  source_sql(
      table +
      "; INSERT INTO public.profiles SELECT g, repeat(md5(g::text), 3000) FROM generate_series(1, 400) g");
  target_sql(
      table +
      "; CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END$$; "
      "CREATE TRIGGER slow BEFORE INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.slow()");
  HorizonWatch watch(source_conninfo());
  const auto result = copy({"--max-snapshot-age", "1s", "--chunk-by", "whole", "--batch-bytes", "64kB",
                            "--allow", "triggers", "--max-retries", "1"});
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("the writer took too long to make room"));
  EXPECT_LE(watch.longest(), 1s);
}

// Pages mean something inside one snapshot only: rows that were updated in between have moved.
TEST_F(SnapshotAge, PagesEndTheCopyAndTheNextOneBeginsAnew) {
  make_pages();
  const Arguments pages{"--table", "pages", "--batch-bytes", "64kB"};
  auto slow = pages;
  slow.insert(slow.end(), {"--max-rate", "150kB/s", "--max-snapshot-age", "1s"});
  const auto result = copy(slow);
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("it is cut by pages, which are valid inside one snapshot"));
  EXPECT_THAT(result.err,
              HasSubstr("the snapshot was lost or got too old, and pages are valid only inside one"));
  source_sql("UPDATE public.pages SET v = v || 'y' WHERE n % 3 = 0");
  EXPECT_EQ(copied(pages)["tables"][0]["generation"], 2);
  expect_equal("public.pages", "n");
}

TEST_F(SnapshotAge, PagesWhoseSnapshotIsLost) {
  make_pages();
  const Arguments pages{"--table", "pages", "--batch-bytes", "64kB"};
  auto slow = pages;
  slow.insert(slow.end(), {"--max-rate", "150kB/s"});
  auto running = start_copy(slow);
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(2); })) << running.err();
  source_sql(
      "UPDATE public.pages SET v = v || 'y' WHERE n % 3 = 0; SELECT pg_terminate_backend(pid) FROM "
      "pg_stat_activity WHERE "
      "datname = current_database() AND application_name LIKE 'pghaul % snapshot'");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("pages are valid only inside one"));
  copied(pages);
  expect_equal("public.pages", "n");
}

TEST_F(SnapshotAge, ContradictsWhatMakesNoneOrOne) {
  for (const auto* const other : {"--require-one-snapshot", "--snapshot=chunk"}) {
    const auto result = copy({"--max-snapshot-age", "5s", other});
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_THAT(result.err, HasSubstr("contradict each other"));
  }
}

}  // namespace
}  // namespace pghaul::test
