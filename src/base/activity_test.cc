#include "base/activity.h"

#include <gtest/gtest.h>

#include <thread>

namespace pghaul {
namespace {

using namespace std::chrono_literals;

void pass_time(std::chrono::milliseconds span) {
  std::this_thread::sleep_for(span);
}

std::chrono::nanoseconds time_of(const ActivityClock& clock, Activity activity) {
  return clock.read().times[static_cast<std::size_t>(activity)];
}

std::chrono::nanoseconds sum_of(const ActivityClock& clock) {
  std::chrono::nanoseconds sum{0};
  for (const auto time : clock.read().times) sum += time;
  return sum;
}

TEST(Activity, TheInnermostCountsAndAllMakeUpTheLifetime) {
  ActivityClock clock;
  std::chrono::nanoseconds inside{0}, outside{0};
  std::jthread([&] {
    const auto first = std::chrono::steady_clock::now();
    {
      const ActivityScope scope(&clock);
      const auto begun = std::chrono::steady_clock::now();
      {
        const Doing connecting(Activity::connecting);
        pass_time(20ms);
        {
          const Doing answer(answer_of(Side::source));
          pass_time(60ms);
        }
        pass_time(20ms);
      }
      {
        const Doing room(Activity::target_room);
        pass_time(30ms);
      }
      inside = std::chrono::steady_clock::now() - begun;
    }
    outside = std::chrono::steady_clock::now() - first;
  }).join();
  EXPECT_GE(time_of(clock, Activity::connecting), 40ms);
  EXPECT_GE(time_of(clock, Activity::source_answer), 60ms);
  EXPECT_GE(time_of(clock, Activity::target_room), 30ms);
  EXPECT_EQ(time_of(clock, Activity::rate), 0ms);
  EXPECT_GE(sum_of(clock), inside);
  EXPECT_LE(sum_of(clock), outside);
}

TEST(Activity, CanBeReadWhileSomethingIsGoingOn) {
  ActivityClock clock;
  std::jthread sleeper([&] {
    const ActivityScope scope(&clock);
    const Doing sleeping(Activity::sleep);
    count_moved(3, 70);
    pass_time(200ms);
  });
  while (time_of(clock, Activity::sleep) == 0ns) pass_time(1ms);
  const auto before = time_of(clock, Activity::sleep);
  pass_time(20ms);
  EXPECT_GE(time_of(clock, Activity::sleep), before + 20ms);
  EXPECT_EQ(clock.read().rows, 3);
  EXPECT_EQ(clock.read().bytes, 70);
}

TEST(Activity, AClockGoesOnInAnotherThread) {
  ActivityClock clock;
  for (int i = 0; i < 2; ++i) {
    std::jthread([&] {
      const ActivityScope scope(&clock);
      const Doing rate(Activity::rate);
      count_moved(1, 10);
      pass_time(10ms);
    }).join();
    pass_time(50ms);  // belongs to nobody
  }
  EXPECT_GE(time_of(clock, Activity::rate), 20ms);
  EXPECT_LT(sum_of(clock), 100ms);
  EXPECT_EQ(clock.read().rows, 2);
}

TEST(Activity, ProcessorTimeIsThatOfTheThread) {
  ActivityClock clock;
  std::jthread([&] {
    const ActivityScope scope(&clock);
    const auto end = std::chrono::steady_clock::now() + 50ms;
    while (std::chrono::steady_clock::now() < end) {
    }
    const Doing sleeping(Activity::sleep);
    pass_time(100ms);
  }).join();
  EXPECT_GT(clock.read().cpu, 5ms);
  EXPECT_LE(clock.read().cpu, sum_of(clock) - 50ms);
}

TEST(Activity, ThreadsWithoutAClockCountNothing) {
  const Doing working(Activity::retry);
  count_moved(1, 1);
}

}  // namespace
}  // namespace pghaul
