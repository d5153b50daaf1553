// PgCopyJob: the job behind `pghaul copy`, as a program uses it.
#include <atomic>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "pghaul/pg_copy.h"
#include "support/oracle.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class PgCopy : public ServersTest {
 protected:
  PgCopy() { make_table("t", 20'000); }

  void make_table(const std::string& name, int rows) const {
    source_sql("CREATE TABLE public." + name + " (id bigint PRIMARY KEY, data text)");
    source_sql("INSERT INTO public." + name + " SELECT i, repeat('x', 200) FROM generate_series(1, " +
               std::to_string(rows) + ") i");
    source_sql("ANALYZE public." + name);
  }
  PgCopyOptions options(const std::string& table = "t") const {
    PgCopyOptions result;
    result.source = source_conninfo();
    result.target = target_conninfo();
    result.tables = {table};
    result.plan.batch_bytes = 100'000;
    return result;
  }
  void expect_equal(const std::string& table = "t") const {
    const auto select = "SELECT * FROM public." + table + " ORDER BY id";
    EXPECT_EQ(table_digest(source_conninfo(), select), table_digest(target_conninfo(), select));
  }
  static Error failure(PgCopyJob& job) {
    try {
      job.wait();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "the job went through";
    return Error(ErrorKind::usage, "");
  }
};

TEST_F(PgCopy, StartsTellsAndReports) {
  std::mutex mutex;
  std::vector<PgCopyProgress> told;
  std::set<std::thread::id> threads;
  PgCopyWatch watch;
  watch.progress = [&](const PgCopyProgress& progress) {
    const std::lock_guard lock(mutex);
    told.push_back(progress);
    threads.insert(std::this_thread::get_id());
  };
  PgCopyJob job(options(), watch);
  const auto report = job.wait();
  EXPECT_TRUE(job.wait_for(0ms));
  ASSERT_EQ(report.tables.size(), 1u);
  EXPECT_EQ(report.tables[0].state, "complete");
  EXPECT_EQ(report.tables[0].source_table, "public.t");
  EXPECT_EQ(report.tables[0].rows, 20'000);
  EXPECT_GT(report.tables[0].chunks, 10);
  EXPECT_EQ(report.snapshot_text, "one point in time");
  expect_equal();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().phase, Phase::finished);
  EXPECT_EQ(told.back().tables.at(0).rows, 20'000);
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
  EXPECT_EQ(job.report().tables.at(0).rows, 20'000);
}

TEST_F(PgCopy, StopsAndContinues) {
  auto slow = options();
  slow.readers = 1;
  slow.sleep = 500ms;
  std::atomic<bool> moving{false};
  PgCopyWatch watch;
  watch.progress = [&](const PgCopyProgress& progress) {
    if (!progress.tables.empty() && progress.tables[0].rows > 0) moving = true;
  };
  PgCopyJob job(slow, watch);
  while (!moving && !job.wait_for(10ms)) {
  }
  job.stop();
  const auto error = failure(job);
  EXPECT_EQ(error.kind(), ErrorKind::stopped);
  EXPECT_STREQ(error.what(), "stopped as was asked");
  EXPECT_EQ(job.report().tables.at(0).state, "interrupted");
  PgCopyJob again(options());
  const auto report = again.wait();
  EXPECT_TRUE(report.tables.at(0).resumed);
  EXPECT_LT(report.tables.at(0).rows, 20'000);
  EXPECT_EQ(report.tables.at(0).rows_total, 20'000);
  expect_equal();
}

TEST_F(PgCopy, TheDestructorStopsIt) {
  auto slow = options();
  slow.sleep = 1h;
  const auto begun = std::chrono::steady_clock::now();
  { const PgCopyJob job(slow); }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 60s);
  EXPECT_EQ(PgCopyJob(options()).wait().tables.at(0).rows_total, 20'000);
}

TEST_F(PgCopy, PausedAfterSoManyChunks) {
  auto few = options();
  few.max_chunks = 3;
  PgCopyJob job(few);
  EXPECT_EQ(failure(job).kind(), ErrorKind::stopped);
  EXPECT_EQ(job.report().tables.at(0).state, "paused");
  EXPECT_EQ(job.report().tables.at(0).chunks, 3);
}

TEST_F(PgCopy, RefusalsAndUsage) {
  PgCopyJob missing(options("nowhere"));
  EXPECT_EQ(failure(missing).kind(), ErrorKind::refused);
  auto unreadable = options();
  unreadable.source = "no string";
  PgCopyJob job(unreadable);
  EXPECT_EQ(failure(job).kind(), ErrorKind::usage);
}

TEST_F(PgCopy, OptionsOutOfRangeAreRefusedAtOnce) {
  const auto expect_usage = [&](auto change, const std::string& message) {
    auto bad = options();
    change(bad);
    try {
      const PgCopyJob job(bad);
      ADD_FAILURE() << "taken: " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  };
  expect_usage([](auto& o) { o.source.clear(); }, "source and target are needed");
  expect_usage([](auto& o) { o.tables.clear(); }, "at least one table");
  expect_usage([](auto& o) { o.tables = {"t", "public.t"}; }, "public.t is named twice");
  expect_usage([](auto& o) { o.columns = {"id", "id"}; }, "a column is named twice");
  expect_usage([](auto& o) { o.ledger_schema = "pg_temp"; }, "ledger_schema");
  expect_usage([](auto& o) { o.readers = 0; }, "readers and writers");
  expect_usage([](auto& o) { o.writers = -1; }, "readers and writers");
  expect_usage([](auto& o) { o.plan.batch_bytes = 0; }, "a batch must hold something");
  expect_usage([](auto& o) { o.max_retries = -1; }, "max_retries");
  expect_usage([](auto& o) { o.max_rate = 0; }, "max_rate");
  expect_usage([](auto& o) { o.timeout = 0ms; }, "timeouts");
  expect_usage([](auto& o) { o.late_wait = -1ms; }, "late_wait");
  expect_usage([](auto& o) { o.full = true, o.on_conflict = OnConflict::skip; }, "contradict");
  expect_usage([](auto& o) { o.plan.chunk_by = ChunkBy::ctid, o.snapshot = SnapshotMode::chunk; }, "contradict");
  expect_usage([](auto& o) { o.require_one_snapshot = true, o.snapshot = SnapshotMode::chunk; }, "contradict");
}

// Each job has its own log, its own stop, its own errors.
TEST_F(PgCopy, TwoJobsInOneProcess) {
  make_table("u", 20'000);
  source_sql("CREATE SEQUENCE public.cached CACHE 50 OWNED BY public.u.id;"
             "ALTER TABLE public.u ALTER id SET DEFAULT nextval('public.cached')");
  std::mutex mutex;
  std::string log_t, log_u;
  const auto watch_into = [&](std::string& log) {
    PgCopyWatch watch;
    watch.log = [&](LogLevel, const std::string& line) {
      const std::lock_guard lock(mutex);
      log += line + "\n";
    };
    return watch;
  };
  auto slow = options("t");
  slow.readers = 1;
  slow.sleep = 1h;  // it is not over by itself
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  {
    PgCopyJob t(slow, watch_into(log_t)), u(options("u"), watch_into(log_u));
    EXPECT_EQ(u.wait().tables.at(0).rows, 20'000);
    t.stop();
    EXPECT_EQ(failure(t).kind(), ErrorKind::stopped);
    PgCopyJob again(options("t"));
    EXPECT_EQ(again.wait().tables.at(0).rows_total, 20'000);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(log_u, HasSubstr("CACHE"));
  EXPECT_THAT(log_u, testing::Not(HasSubstr("public.t")));
  EXPECT_THAT(log_t, testing::Not(HasSubstr("public.u")));
  expect_equal("t");
  expect_equal("u");
}

TEST_F(PgCopy, TwoJobsAtOneTable) {
  auto slow = options();
  slow.readers = 1;
  slow.sleep = 500ms;
  std::atomic<bool> moving{false};
  PgCopyWatch watch;
  watch.progress = [&](const PgCopyProgress& progress) {
    if (!progress.tables.empty() && progress.tables[0].rows > 0) moving = true;
  };
  PgCopyJob first(slow, watch);
  while (!moving && !first.wait_for(10ms)) {
  }
  PgCopyJob second(options());
  EXPECT_EQ(failure(second).kind(), ErrorKind::refused);
  EXPECT_FALSE(first.wait_for(0ms)) << "the other one has no part in it";
}

TEST_F(PgCopy, WhatWatchesThrows) {
  PgCopyWatch watch;
  watch.progress = [](const PgCopyProgress& progress) {
    if (progress.phase == Phase::copying) throw std::runtime_error("enough");
  };
  {
    PgCopyJob job(options(), watch);
    EXPECT_THAT(failure(job).what(), HasSubstr("enough"));
  }
  watch.progress = [](const PgCopyProgress&) { throw 42; };
  PgCopyJob job(options(), watch);
  EXPECT_EQ(failure(job).kind(), ErrorKind::failed);
}

TEST_F(PgCopy, SignalsAndEnvironmentAreLeftAlone) {
  struct sigaction before[32], after[32];
  for (int number = 1; number < 32; ++number) ::sigaction(number, nullptr, &before[number]);
  PgCopyJob(options()).wait();
  for (int number = 1; number < 32; ++number) {
    ::sigaction(number, nullptr, &after[number]);
    EXPECT_EQ(before[number].sa_handler, after[number].sa_handler) << "signal " << number;
  }
}

}  // namespace
}  // namespace pghaul::test
