#include "base/retry.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;
using Time = Deadline::Clock::time_point;

const Time kStart = Time() + 1h;

Error deadlock() { return Error(ErrorKind::transient, "deadlock detected").on(Side::target).with_sqlstate("40P01"); }
Error lost() { return Error(ErrorKind::connection_lost, "server closed the connection").on(Side::source); }
Error broken() { return Error(ErrorKind::failed, "disk full").on(Side::target).with_sqlstate("53100"); }

// Allows for the jitter.
void expect_near(std::optional<Duration> pause, Duration wanted) {
  ASSERT_TRUE(pause.has_value());
  EXPECT_GE(*pause, wanted * 3 / 4 - 1ms);
  EXPECT_LE(*pause, wanted * 5 / 4);
}

TEST(RetryState, TransientErrorsAreTriedAgainThreeTimes) {
  const RetryPolicy policy;
  RetryState state(policy);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(state.after(deadlock(), kStart));
    EXPECT_EQ(state.retries(), i);
  }
  EXPECT_FALSE(state.after(deadlock(), kStart));
  EXPECT_EQ(state.retries(), 3);
}

TEST(RetryState, PausesDoubleUpToTheLongest) {
  RetryPolicy policy;
  policy.max_retries = 100;
  policy.first_pause = 100ms;
  policy.longest_pause = 700ms;
  RetryState state(policy);
  for (const auto wanted : {100ms, 200ms, 400ms, 700ms, 700ms}) expect_near(state.after(deadlock(), kStart), wanted);
  for (int i = 5; i < 100; ++i) expect_near(state.after(deadlock(), kStart), 700ms);
}

TEST(RetryState, PausesAreJittered) {
  RetryPolicy policy;
  policy.max_retries = 50;
  policy.longest_pause = policy.first_pause = 1000s;
  RetryState state(policy);
  const auto first = state.after(deadlock(), kStart);
  bool differs = false;
  for (int i = 1; i < 50; ++i) differs |= state.after(deadlock(), kStart) != first;
  EXPECT_TRUE(differs);
}

TEST(RetryState, PermanentErrorsAreNotTriedAgain) {
  for (const auto kind : {ErrorKind::usage, ErrorKind::refused, ErrorKind::stopped, ErrorKind::failed}) {
    const RetryPolicy policy;
    RetryState state(policy);
    EXPECT_FALSE(state.after(Error(kind, "no"), kStart));
    EXPECT_EQ(state.final_error().kind(), kind);
    EXPECT_STREQ(state.final_error().what(), "no");
  }
}

TEST(RetryState, NoRetriesAtAll) {
  RetryPolicy policy;
  policy.max_retries = 0;
  RetryState state(policy);
  EXPECT_FALSE(state.after(deadlock(), kStart));
  EXPECT_EQ(state.final_error().kind(), ErrorKind::failed);
  EXPECT_EQ(state.final_error().headline(), "target: deadlock detected [SQLSTATE 40P01]");
}

TEST(RetryState, ALostServerIsWaitedForWithoutCounting) {
  RetryPolicy policy;
  policy.reconnect_timeout = 60s;
  RetryState state(policy);
  for (auto passed = 0s; passed < 60s; passed += 1s) {
    EXPECT_TRUE(state.after(lost(), kStart + passed)) << passed.count();
  }
  EXPECT_EQ(state.retries(), 0);
  EXPECT_EQ(state.losses(), 1) << "a reconnect that fails is the same loss";
  EXPECT_FALSE(state.after(lost(), kStart + 60s));
}

TEST(RetryState, ThePauseEndsWithTheReconnectTimeout) {
  RetryPolicy policy;
  policy.first_pause = policy.longest_pause = 10s;
  policy.reconnect_timeout = 60s;
  RetryState state(policy);
  state.after(lost(), kStart);
  EXPECT_EQ(state.after(lost(), kStart + 58s), 2s);
}

TEST(RetryState, AConnectionStartsANewReconnectTimeout) {
  RetryPolicy policy;
  policy.reconnect_timeout = 60s;
  RetryState state(policy);
  EXPECT_TRUE(state.after(lost(), kStart));
  state.connected();
  EXPECT_TRUE(state.after(lost(), kStart + 100s));
  EXPECT_EQ(state.losses(), 2);
  EXPECT_FALSE(state.after(lost(), kStart + 160s));
}

TEST(RetryState, AChunkThatKillsItsSessionEachTimeEndsTheJob) {
  RetryPolicy policy;
  policy.max_losses = 4;
  RetryState state(policy);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(state.after(lost(), kStart));
    state.connected();
  }
  EXPECT_FALSE(state.after(lost(), kStart));
}

TEST(RetryState, LossesDoNotUseUpTheRetries) {
  const RetryPolicy policy;
  RetryState state(policy);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(state.after(lost(), kStart));
    state.connected();
    EXPECT_TRUE(state.after(deadlock(), kStart));
  }
  EXPECT_FALSE(state.after(deadlock(), kStart));
}

TEST(RetryStory, TheFirstCauseAndTheLast) {
  const RetryPolicy policy;
  RetryState state(policy);
  state.after(lost().about("profiles").in_range("id in [1, 5)").safe("7 chunks").advise("look at the log"), kStart);
  state.connected();
  for (int i = 0; i < 4; ++i) state.after(deadlock(), kStart);
  const auto error = state.final_error();
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.story(),
            "source: profiles: id in [1, 5): server closed the connection "
            "(3 retries, 1 lost connection; last: deadlock detected [SQLSTATE 40P01])\n"
            "  safe:   7 chunks\n"
            "  next:   look at the log");
}

TEST(RetryStory, TheSameEachTime) {
  const RetryPolicy policy;
  RetryState state(policy);
  for (int i = 0; i < 4; ++i) state.after(deadlock(), kStart);
  EXPECT_EQ(state.final_error().headline(),
            "target: deadlock detected (3 retries; last: the same) [SQLSTATE 40P01]");
}

TEST(RetryStory, APermanentErrorAfterATransientOne) {
  const RetryPolicy policy;
  RetryState state(policy);
  EXPECT_TRUE(state.after(deadlock().with_detail("process 7").with_errno(0), kStart));
  EXPECT_FALSE(state.after(broken().advise("make room"), kStart));
  const auto error = state.final_error();
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_STREQ(error.what(), "deadlock detected (1 retry; last: disk full [SQLSTATE 53100])");
  EXPECT_EQ(error.sqlstate(), "40P01");
  EXPECT_EQ(error.detail(), "process 7");
  EXPECT_EQ(error.advice(), "make room");
}

TEST(RetryStory, AStopBetweenTriesStaysAStop) {
  const RetryPolicy policy;
  RetryState state(policy);
  EXPECT_TRUE(state.after(deadlock(), kStart));
  EXPECT_FALSE(state.after(Error(ErrorKind::stopped, "stopped by a signal"), kStart));
  EXPECT_EQ(state.final_error().kind(), ErrorKind::stopped);
  EXPECT_STREQ(state.final_error().what(), "deadlock detected (1 retry; last: stopped by a signal)");
}

// Waits side by side must not add up.
TEST(LossWindows, TheTimeCountsFromTheFirstLossOfAny) {
  RetryPolicy policy;
  policy.reconnect_timeout = 10s;
  policy.losses = std::make_shared<LossWindows>();
  RetryState first(policy), second(policy);
  EXPECT_TRUE(first.after(lost(), kStart));
  EXPECT_TRUE(second.after(lost(), kStart + 9s));
  EXPECT_FALSE(second.after(lost(), kStart + 10s));
  EXPECT_FALSE(RetryState(policy).after(lost(), kStart + 11s));
}

TEST(LossWindows, ANewSessionClosesThem) {
  RetryPolicy policy;
  policy.reconnect_timeout = 10s;
  policy.losses = std::make_shared<LossWindows>();
  EXPECT_TRUE(RetryState(policy).after(lost(), kStart));
  policy.losses->of(Side::source)->connected();
  RetryState later(policy);
  EXPECT_TRUE(later.after(lost(), kStart + 11s));
  EXPECT_TRUE(later.after(lost(), kStart + 20s));
}

TEST(LossWindows, EachServerHasItsOwn) {
  RetryPolicy policy;
  policy.reconnect_timeout = 10s;
  policy.losses = std::make_shared<LossWindows>();
  EXPECT_TRUE(RetryState(policy).after(lost(), kStart));
  EXPECT_TRUE(RetryState(policy).after(lost().on(Side::target), kStart + 11s));
  EXPECT_TRUE(RetryState(policy).after(lost().on(Side::local), kStart + 11s));
  EXPECT_FALSE(RetryState(policy).after(lost(), kStart + 11s));
}

class TryUntilDone : public testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::error);
    policy.first_pause = 1ms;
  }
  Error error_of(const std::function<void(RetryState&)>& work) const {
    try {
      try_until_done(policy, &stop, work);
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorKind::usage, "no error");
  }
  RetryPolicy policy;
  StopSource stop;
};

TEST_F(TryUntilDone, EndsWithTheFirstSuccess) {
  int runs = 0;
  try_until_done(policy, &stop, [&](RetryState&) {
    if (++runs < 3) throw deadlock();
  });
  EXPECT_EQ(runs, 3);
  try_until_done(policy, nullptr, [&](RetryState&) {
    if (++runs < 5) throw deadlock();
  });
  EXPECT_EQ(runs, 5);
}

TEST_F(TryUntilDone, WhatIsPermanentIsThrownAsItIs) {
  int runs = 0;
  const auto error = error_of([&](RetryState&) {
    ++runs;
    throw broken();
  });
  EXPECT_EQ(error.headline(), broken().headline());
  EXPECT_EQ(runs, 1);
}

TEST_F(TryUntilDone, TellsTheStoryInTheEnd) {
  EXPECT_STREQ(error_of([](RetryState&) { throw deadlock(); }).what(), "deadlock detected (3 retries; last: the same)");
}

// Somebody who has tried himself: his tries are not told inside ours.
TEST_F(TryUntilDone, NoStoryInsideAnother) {
  int runs = 0;
  const auto error = error_of([&](RetryState&) {
    if (++runs == 1) throw lost();
    throw error_of([](RetryState&) { throw deadlock(); });
  });
  EXPECT_STREQ(error.what(), "deadlock detected (3 retries; last: the same)");
  RetryState state(policy);
  EXPECT_TRUE(state.after(lost(), kStart));
  EXPECT_FALSE(state.after(error, kStart));
  EXPECT_STREQ(state.final_error().what(),
               "server closed the connection (1 lost connection; last: deadlock detected [SQLSTATE 40P01])");
}

TEST_F(TryUntilDone, AStopEndsThePause) {
  policy.first_pause = 1h;
  policy.longest_pause = 1h;
  stop.request(StopReason::signal);
  EXPECT_EQ(error_of([](RetryState&) { throw deadlock(); }).kind(), ErrorKind::stopped);
}

}  // namespace
}  // namespace pghaul
