// Readers and writers that are added on the way.
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

class MaxWorkers : public CopyTest {
 protected:
  int most_sessions(RunningProgram& running) const {
    int most = 0;
    while (!running.process().wait(Deadline::after(20ms))) {
      const auto seen = source_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^pghaul \\d+ reader'");
      most = std::max(most, std::stoi(seen));
    }
    return most;
  }
};

TEST_F(MaxWorkers, AreAddedUpToThere) {
  make_profiles(60'000);
  // Each reader pauses, so that only more of them make it faster.
  auto running = start_copy({"--readers", "1", "--writers", "1", "--max-workers", "4", "--batch-bytes", "64kB", "--where",
                             "id % 60 > 0 OR pg_sleep(0.002) IS NOT NULL"});
  const int most = most_sessions(running);
  EXPECT_EQ(running.finish().status, 0);
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 4);
  expect_equal();
}

TEST_F(MaxWorkers, AreKilledAndStartedAgain) {
  make_profiles(30'000);
  const Arguments more{"--readers", "1", "--writers", "2", "--max-workers", "6", "--batch-bytes", "64kB"};
  for (const int chunks : {5, 30}) {
    auto running = start_copy(more);
    ASSERT_TRUE(wait_until([&] { return some_chunks_done(chunks); }));
    running.process().signal(SIGKILL);
    running.finish();
  }
  copied(more);
  expect_equal();
  expect_no_session_left();
}

TEST_F(MaxWorkers, ASignalEndsThoseThatWaitToo) {
  make_profiles(30'000);
  auto running = start_copy({"--readers", "1", "--writers", "1", "--max-workers", "8", "--sleep", "100ms", "--batch-bytes", "64kB"});
  ASSERT_TRUE(wait_until([this] { return some_chunks_done(); }));
  running.process().signal(SIGTERM);
  EXPECT_EQ(running.finish(10s).status, 4);
  copied();
  expect_equal();
}

}  // namespace
}  // namespace pghaul::test
