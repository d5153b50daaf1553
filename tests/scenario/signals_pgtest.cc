// SIGINT and SIGTERM at any moment: the copy ends by itself, cleans up, and the next one continues.
#include <random>

#include <signal.h>

#include "scenario/stopping.h"

namespace pghaul::test {
namespace {

class Signals : public Stopping {
 protected:
  // Random moments, the same for the same seed: PGHAUL_TEST_SEED repeats a failure.
  std::chrono::milliseconds some_time(int most) {
    return std::chrono::milliseconds(std::uniform_int_distribution(0, most)(random_));
  }
  void SetUp() override {
    const char* const given = std::getenv("PGHAUL_TEST_SEED");
    const auto seed = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
    std::cout << "PGHAUL_TEST_SEED=" << seed << "\n";
    random_.seed(seed);
  }
  // One copy, from the beginning, that gets the signal after a random time.
  void interrupt(int number) {
    auto running = start_copy({"--full", "--batch-bytes", "64kB", "--sleep", "20ms"});
    ASSERT_TRUE(wait_until([&] { return has_sessions(); }));
    const auto pause = some_time(1200);
    std::this_thread::sleep_for(pause);
    running.process().signal(number);
    const auto sent = Deadline::Clock::now();
    const auto result = running.finish();
    EXPECT_LT(Deadline::Clock::now() - sent, 10s) << pause.count() << " ms";
    // 0: it was done before.
    EXPECT_TRUE(result.status == 4 || result.status == 0) << pause.count() << " ms: " << result;
    EXPECT_THAT(result.err, HasSubstr(result.status == 4 ? "stopped by a signal" : "")) << result;
    expect_no_session_left();
    expect_completion();
  }

 private:
  std::minstd_rand random_;
};

TEST_F(Signals, A6_InterruptAtRandomMoments) {
  make_profiles(15'000);
  for (int i = 0; i < 5; ++i) interrupt(SIGINT);
}

TEST_F(Signals, A6_TerminateAtRandomMoments) {
  make_profiles(15'000);
  for (int i = 0; i < 5; ++i) interrupt(SIGTERM);
}

TEST_F(Signals, TheLedgerKnowsWhy) {
  make_profiles(15'000);
  auto running = start_copy(slow());
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(); }));
  running.process().signal(SIGTERM);
  expect_stop(running, 0s);
  const auto shown = status();
  EXPECT_THAT(shown.out, HasSubstr("public.profiles: interrupted"));
  EXPECT_THAT(shown.out, HasSubstr("stopped by a signal"));
  expect_completion();
}

TEST_F(Signals, WhileTheSourceWorks) {
  make_profiles(1000);
  auto running = start_copy({"--where", "pg_sleep(1) IS NOT NULL"});
  const auto working = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY %pg_sleep(1)%' "
                       "AND datname = current_database() AND pid <> pg_backend_pid()";
  ASSERT_TRUE(wait_until([&] { return source_sql(working) != "0"; }));
  running.process().signal(SIGINT);
  expect_stop(running, 0s);
}

// Threads that hang are the only thing that a first signal cannot end.
TEST_F(Signals, A6_TheSecondInterruptQuitsAtOnce) {
  make_profiles(1000);
  auto running = start_copy({"--writers", "1"}, {{"PGHAUL_FAILPOINTS", "chunk.marked=hang"}});
  ASSERT_TRUE(wait_until([&] {
    return target_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pghaul % writer %' AND datname = "
                      "current_database() AND state = 'idle in transaction' AND clock_timestamp() - state_change > '500 ms'") !=
           "0";
  }));
  running.process().signal(SIGINT);
  EXPECT_FALSE(running.process().wait(Deadline::after(1s)).has_value());
  running.process().signal(SIGINT);
  const auto sent = Deadline::Clock::now();
  const auto result = running.finish();
  EXPECT_LT(Deadline::Clock::now() - sent, 5s);
  EXPECT_EQ(result.status, 4) << result;
  EXPECT_THAT(result.err, HasSubstr("pghaul: stopped at once, by a second signal\n  safe:   ")) << result;
  expect_no_session_left();
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
