// Whatever fails, and whenever the job is stopped: each row is there once in the end.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "fakes/dice.h"
#include "fakes/pipeline_run.h"

namespace pghaul::test {
namespace {

using Clock = Deadline::Clock;

void expect_each_row_once(PipelineRun& run) {
  for (auto& table : run.tables) {
    EXPECT_EQ(table.target_keys(), table.source_keys());
    EXPECT_EQ(table.count("pending"), 0);
  }
}

void expect_right_counters(PipelineRun& run, const Dice& dice) {
  std::int64_t retries = 0;
  for (std::size_t i = 0; i < run.tables.size(); ++i) {
    const auto& progress = run.progress->at(i);
    EXPECT_EQ(progress.chunks, run.tables[i].count("done"));
    EXPECT_EQ(progress.chunks_pending, 0);
    EXPECT_LE(progress.rows, static_cast<std::int64_t>(run.tables[i].source_keys().size()));
    retries += progress.retries;
  }
  EXPECT_LE(retries, dice.faults());
}

class Faults : public testing::TestWithParam<unsigned> {};

TEST_P(Faults, EachRowOnce) {
  for (unsigned seed = GetParam() * 25; seed < (GetParam() + 1) * 25; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice dice(seed);
    PipelineRun run;
    set_up_at_random(run, dice);
    run.hook = [&](std::string_view place, const Chunk& chunk) { dice.may_fail(place, chunk); };
    EXPECT_TRUE(run.run());
    expect_each_row_once(run);
    expect_right_counters(run, dice);
    if (HasFailure()) return;
  }
}

// Run after run with --max-chunks, each in trouble of its own.
TEST_P(Faults, InPortions) {
  for (unsigned seed = GetParam() * 5; seed < (GetParam() + 1) * 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice set_up(seed);
    PipelineRun run;
    set_up_at_random(run, set_up);
    run.options.max_chunks = set_up.roll(1, 9);
    for (unsigned portion = 0;; ++portion) {
      Dice dice(1000 * seed + portion);
      run.hook = [&](std::string_view place, const Chunk& chunk) { dice.may_fail(place, chunk); };
      std::int64_t before = 0, after = 0;
      for (auto& table : run.tables) before += table.count("done");
      const bool all = run.run();
      for (auto& table : run.tables) after += table.count("done");
      // Those that are done without an answer to their COMMIT are found done by the run that wrote them.
      EXPECT_LE(after - before, *run.options.max_chunks);
      if (all) break;
      EXPECT_EQ(after - before, *run.options.max_chunks);
      if (HasFailure()) return;
    }
    expect_each_row_once(run);
  }
}

// A stop comes at any moment, also into waits on a server; it ends the job within a second, and the next run goes on.
TEST_P(Faults, StoppedAtAnyTime) {
  for (unsigned seed = GetParam() * 12; seed < (GetParam() + 1) * 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice set_up(seed);
    PipelineRun run;
    set_up_at_random(run, set_up);
    for (unsigned stops = 0; stops < 3; ++stops) {
      Dice dice(1000 * seed + stops);
      run.renew_stop();
      run.hook = [&](std::string_view place, const Chunk& chunk) {
        dice.may_fail(place, chunk);
        run.stop->throw_if_requested();
        if (dice.roll(1, 60) != 1) return;
        const auto wait = dice.roll(1, 40) == 1 ? std::chrono::hours(1) : std::chrono::milliseconds(1);
        if (!run.stop->sleep_for(wait)) run.stop->throw_if_requested();
      };
      Clock::time_point stopped;
      {
        std::jthread signal([&, after = dice.roll(0, 25)] {
          std::this_thread::sleep_for(std::chrono::milliseconds(after));
          stopped = Clock::now();
          run.stop->request(StopReason::signal);
        });
        try {
          run.run();
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::stopped) << error.what();
        }
      }
      EXPECT_LT(Clock::now() - stopped, std::chrono::seconds(1));
    }
    run.renew_stop();
    run.hook = [](std::string_view, const Chunk&) {};
    EXPECT_TRUE(run.run());
    expect_each_row_once(run);
    if (HasFailure()) return;
  }
}

// A permanent error ends it anywhere; the next run goes on.
TEST_P(Faults, EndedByAPermanentError) {
  for (unsigned seed = GetParam() * 12; seed < (GetParam() + 1) * 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice dice(seed);
    PipelineRun run;
    set_up_at_random(run, dice);
    std::atomic<int> steps_left{dice.roll(1, 300)};
    run.hook = [&](std::string_view place, const Chunk& chunk) {
      if (--steps_left == 0) throw permanent_error(Side::source);
      dice.may_fail(place, chunk);
    };
    try {
      run.run();
      EXPECT_GE(steps_left, 0);
    } catch (const Error& error) {
      EXPECT_LT(steps_left, 1) << error.what();
    }
    run.renew_stop();
    run.hook = [](std::string_view, const Chunk&) {};
    EXPECT_TRUE(run.run());
    expect_each_row_once(run);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Faults, testing::Range(0u, 10u));

}  // namespace
}  // namespace pghaul::test
