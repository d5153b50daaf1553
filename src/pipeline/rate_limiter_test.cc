#include "pipeline/rate_limiter.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

using Clock = Deadline::Clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// 2.2 seconds' worth, of which a tenth of a second may be saved up: within 5 % of the rate.
void expect_rate(int threads, std::int64_t piece) {
  constexpr std::int64_t rate = 10'000'000, bytes = 22'000'000;
  StopSource stop;
  RateLimiter limiter(rate, stop);
  std::atomic<std::int64_t> passed{0};
  const auto start = Clock::now();
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < threads; ++i) {
      readers.emplace_back([&] {
        while (passed.fetch_add(piece) < bytes) limiter.pass(piece);
      });
    }
  }
  const double measured = static_cast<double>(bytes) / seconds_since(start);
  EXPECT_LE(measured, 1.05 * rate);
  EXPECT_GE(measured, 0.95 * rate);
}

TEST(RateLimiter, OneReader) { expect_rate(1, 64 * 1024); }
TEST(RateLimiter, ManyReadersShareIt) { expect_rate(8, 64 * 1024); }
TEST(RateLimiter, SmallPieces) { expect_rate(2, 500); }

TEST(RateLimiter, WhatWasNotUsedIsNotSavedUp) {
  StopSource stop;
  RateLimiter limiter(1'000'000, stop);
  limiter.pass(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  const auto start = Clock::now();
  limiter.pass(400'000);
  EXPECT_GE(seconds_since(start), 0.28);
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
