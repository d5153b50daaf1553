#include "pipeline/rate_limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace pghaul {
namespace {

using namespace std::chrono_literals;
using Clock = Deadline::Clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Readers that take `piece` bytes at a time and go on when they may, or up to so much later; the bytes that
// they take in half a minute by a clock that only they have, as a share of what was asked.
double kept(int readers, std::int64_t piece, Clock::duration late = 0ms) {
  constexpr std::int64_t rate = 10'000'000;
  RateSchedule schedule(rate);
  const Clock::time_point start{1h};
  std::vector<Clock::time_point> may_go_on(static_cast<std::size_t>(readers), start);
  std::int64_t bytes = 0, turn = 0;
  for (;;) {
    auto& next = *std::ranges::min_element(may_go_on);
    if (next >= start + 30s) return static_cast<double>(bytes) / (30.0 * rate);
    bytes += piece;
    next = std::max(next, schedule.pass(piece, next)) + late * (turn++ % 5) / 4;
  }
}

TEST(RateSchedule, OneReader) {
  EXPECT_NEAR(kept(1, 64 * 1024), 1, 0.01);
}
TEST(RateSchedule, ManyReadersShareIt) {
  EXPECT_NEAR(kept(8, 64 * 1024), 1, 0.01);
}
TEST(RateSchedule, SmallPieces) {
  EXPECT_NEAR(kept(2, 500), 1, 0.01);
}
TEST(RateSchedule, LargePieces) {
  EXPECT_NEAR(kept(4, 3'000'000), 1, 0.05);
}
// Whoever sleeps too long catches up.
TEST(RateSchedule, LateSleepers) {
  EXPECT_NEAR(kept(1, 64 * 1024, 4ms), 1, 0.01);
  EXPECT_NEAR(kept(3, 256 * 1024, 40ms), 1, 0.01);
}

TEST(RateSchedule, WhatWasNotUsedIsNotSavedUp) {
  RateSchedule schedule(1'000'000);
  const Clock::time_point start{1h};
  EXPECT_EQ(schedule.pass(0, start), start - 100ms);
  EXPECT_EQ(schedule.pass(400'000, start + 10s), start + 10s + 300ms);
  EXPECT_EQ(schedule.pass(400'000, start + 10s), start + 10s + 700ms);
}

TEST(RateLimiter, SleepsThatLong) {
  StopSource stop;
  RateLimiter limiter(1'000'000, stop);
  const auto start = Clock::now();
  limiter.pass(400'000);
  EXPECT_GE(seconds_since(start), 0.29);
}

TEST(RateLimiter, NoneIsNoLimit) {
  StopSource stop;
  RateLimiter limiter(std::nullopt, stop);
  const auto start = Clock::now();
  for (int i = 0; i < 1000; ++i) limiter.pass(1'000'000'000'000);
  EXPECT_LT(seconds_since(start), 0.2);
}

TEST(RateLimiter, AStopEndsTheWait) {
  StopSource stop;
  RateLimiter limiter(1, stop);
  std::jthread signal([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    stop.request(StopReason::signal);
  });
  const auto start = Clock::now();
  limiter.pass(1'000'000);
  EXPECT_LT(seconds_since(start), 0.5);
}

}  // namespace
}  // namespace pghaul
