#include "pipeline/worker_tuner.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

using Workers = WorkerTuner::Workers;

// A pipeline whose stages pass so much with one worker, and as much more with each further one up to a point. The slower
// stage is busy, the other one waits for it.
struct Simulated {
  double reader = 10, writer = 10;  // MB per second and worker
  int readers_that_pay = 100, writers_that_pay = 100;
  double noise = 0;
  std::mt19937 random{7};

  double rate(Workers now) const {
    return std::min(reader * std::min(now.readers, readers_that_pay), writer * std::min(now.writers, writers_that_pay));
  }
  WorkSample sample(Workers now) {
    const auto reads = reader * std::min(now.readers, readers_that_pay), writes = writer * std::min(now.writers, writers_that_pay);
    const auto passed = std::min(reads, writes);
    std::uniform_real_distribution<double> factor(1 - noise, 1 + noise);
    return {passed * factor(random), passed * factor(random), passed / reads, passed / writes, 0};
  }
};

// Numbers after so many intervals.
Workers tuned(Simulated pipeline, Workers most, int intervals = 240) {
  WorkerTuner tuner({std::min(2, most.readers), std::min(2, most.writers)}, most);
  for (int i = 0; i < intervals; ++i) tuner.next(pipeline.sample(tuner.workers()));
  return tuner.workers();
}

TEST(WorkerTuner, GrowsTheStageThatLimits) {
  const auto workers = tuned({.reader = 5, .writer = 100}, {8, 8});
  EXPECT_EQ(workers.readers, 8);
  EXPECT_EQ(workers.writers, 2);
  EXPECT_EQ(tuned({.reader = 100, .writer = 5}, {8, 8}), (Workers{2, 8}));
}

TEST(WorkerTuner, GrowsBothInTurn) { EXPECT_EQ(tuned({}, {8, 8}), (Workers{8, 8})); }

TEST(WorkerTuner, KeepsToWhatItIsAllowed) {
  for (const auto most : {Workers{1, 1}, Workers{1, 3}, Workers{3, 1}, Workers{2, 2}}) {
    const auto workers = tuned({}, most, 800);
    EXPECT_LE(workers.readers, most.readers);
    EXPECT_LE(workers.writers, most.writers);
  }
}

TEST(WorkerTuner, TakesBackWhatDoesNotPay) {
  Simulated pipeline{.reader = 10, .writer = 100, .readers_that_pay = 2};
  WorkerTuner tuner({2, 2}, {8, 8});
  int more = 0;
  for (int i = 0; i < 1600; ++i) more += tuner.next(pipeline.sample(tuner.workers())).readers > 2 ? 1 : 0;
  EXPECT_LT(more, 320) << "intervals with readers that do not pay";
}

TEST(WorkerTuner, NoticesWhatChanges) {
  Simulated pipeline{.reader = 10, .writer = 100, .readers_that_pay = 2};
  WorkerTuner tuner({2, 2}, {8, 8});
  for (int i = 0; i < 400; ++i) tuner.next(pipeline.sample(tuner.workers()));
  pipeline.readers_that_pay = 8;
  for (int i = 0; i < 800; ++i) tuner.next(pipeline.sample(tuner.workers()));
  EXPECT_EQ(tuner.workers().readers, 8);
}

TEST(WorkerTuner, AddsNoneThatWouldBeHeld) {
  WorkerTuner tuner({2, 2}, {8, 8});
  for (int i = 0; i < 200; ++i) tuner.next({10, 10, 1, 0.1, 0.9});
  EXPECT_EQ(tuner.workers(), (Workers{2, 2}));
}

// A copy of seconds has no time to wait for a long look.
TEST(WorkerTuner, IsQuickWhereItIsObvious) {
  const Simulated slow_source{.reader = 5, .writer = 100};
  EXPECT_EQ(tuned(slow_source, {8, 8}, 5).readers, 4);
  EXPECT_EQ(tuned(slow_source, {8, 8}, 6).readers, 8);
}

// A line that passes a block of 256 kB now and then, and no more however many readers there are.
TEST(WorkerTuner, TakesNoBlockThatArrivesForARate) {
  Simulated pipeline{.reader = 10, .writer = 100, .readers_that_pay = 2};
  int false_alarms = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    WorkerTuner tuner({2, 2}, {8, 8});
    for (int i = 0; i < 20; ++i) {
      auto sample = pipeline.sample(tuner.workers());
      const double blocks = std::poisson_distribution<int>(0.6)(random);
      sample.read_rate = sample.write_rate = blocks * 2.5e6;
      tuner.next(sample);
    }
    false_alarms += tuner.workers().readers > 4 ? 1 : 0;
  }
  EXPECT_LE(false_alarms, 10);
}

// What passes in the end is near to the best that there is, wherever that lies, and though no measurement is exact.
TEST(WorkerTuner, ComesNearTheBestInSpiteOfNoise) {
  for (const double writer : {3.0, 10.0, 30.0}) {
    for (const int pay : {1, 2, 3, 5, 8}) {
      int near = 0;
      for (unsigned seed = 0; seed < 50; ++seed) {
        Simulated pipeline{.writer = writer, .readers_that_pay = pay, .noise = 0.1, .random = std::mt19937(seed)};
        near += pipeline.rate(tuned(pipeline, {8, 8}, 320)) >= 0.95 * pipeline.rate({8, 8}) ? 1 : 0;
      }
      EXPECT_GE(near, 45) << writer << " MB/s each writer, " << pay << " readers that pay";
    }
  }
}

}  // namespace
}  // namespace pghaul
