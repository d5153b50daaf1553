#include "base/stop.h"

#include <thread>

#include <poll.h>
#include <signal.h>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

using namespace std::chrono_literals;

bool readable(int fd) {
  pollfd wake{fd, POLLIN, 0};
  return ::poll(&wake, 1, 0) == 1;
}

TEST(StopSource, StartsQuiet) {
  const StopSource stop;
  EXPECT_FALSE(stop.requested());
  EXPECT_EQ(stop.reason(), StopReason::none);
  EXPECT_FALSE(readable(stop.wake_fd()));
  EXPECT_NO_THROW(stop.throw_if_requested());
}

TEST(StopSource, TheFirstReasonWins) {
  StopSource stop;
  stop.request(StopReason::deadline);
  stop.request(StopReason::signal);
  EXPECT_EQ(stop.reason(), StopReason::deadline);
  EXPECT_TRUE(readable(stop.wake_fd()));
  EXPECT_TRUE(readable(stop.wake_fd())) << "stays readable";
}

TEST(StopSource, ThrowsAStoppedError) {
  StopSource stop;
  stop.request(StopReason::signal);
  try {
    stop.throw_if_requested();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::stopped);
    EXPECT_STREQ(error.what(), "stopped by a signal");
  }
}

TEST(StopSource, EachReasonHasItsOwnText) {
  EXPECT_STREQ(stopped_error(StopReason::deadline).what(), "stopped: the time given with --timeout is over");
  EXPECT_STREQ(stopped_error(StopReason::paused).what(), "paused: the chunks given with --max-chunks are done");
  EXPECT_STREQ(stopped_error(StopReason::failed).what(), "stopped because another part of the job failed");
}

TEST(StopSource, SleepsItsTime) {
  const StopSource stop;
  const auto begin = Deadline::Clock::now();
  EXPECT_TRUE(stop.sleep_for(50ms));
  EXPECT_GE(Deadline::Clock::now() - begin, 50ms);
  EXPECT_TRUE(stop.sleep_for(0ms));
}

TEST(StopSource, AStopEndsASleep) {
  StopSource stop;
  std::thread requester([&stop] {
    std::this_thread::sleep_for(50ms);
    stop.request(StopReason::failed);
  });
  const auto begin = Deadline::Clock::now();
  EXPECT_FALSE(stop.sleep_for(60s));
  EXPECT_LT(Deadline::Clock::now() - begin, 30s);
  requester.join();
  EXPECT_FALSE(stop.sleep_for(60s)) << "a later sleep does not begin";
}

StopSource* signalled = nullptr;

TEST(StopSource, MayBeRequestedInASignalHandler) {
  StopSource stop;
  signalled = &stop;
  const auto before = ::signal(SIGUSR1, [](int) { signalled->request(StopReason::signal); });
  ::raise(SIGUSR1);
  ::signal(SIGUSR1, before);
  EXPECT_EQ(stop.reason(), StopReason::signal);
}

}  // namespace
}  // namespace pghaul
