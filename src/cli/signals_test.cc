#include "cli/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace pghaul {
namespace {

// Each in a child of its own: handlers stay installed.
using testing::ExitedWithCode;

TEST(StopSignalsDeathTest, TheFirstAsksTheSecondEnds) {
  for (const int first : {SIGINT, SIGTERM, SIGHUP}) {
    const auto body = [&] {
      StopSource stop;
      const StopSignals signals(stop);
      ::raise(first);
      if (stop.reason() != StopReason::signal) ::_exit(10);
      ::raise(SIGTERM);
      ::_exit(11);
    };
    EXPECT_EXIT(body(), ExitedWithCode(4), "") << first;
  }
}

TEST(StopSignalsDeathTest, NohupAndBrokenPipesAreRespected) {
  const auto body = [] {
    ::signal(SIGHUP, SIG_IGN);
    StopSource stop;
    const StopSignals signals(stop);
    ::raise(SIGHUP);
    ::raise(SIGPIPE);
    ::_exit(stop.requested() ? 10 : 0);
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

TEST(StopSignalsDeathTest, ASignalAfterTheWorkHarmsNothing) {
  const auto body = [] {
    {
      StopSource stop;
      const StopSignals signals(stop);
    }
    ::raise(SIGTERM);
    ::_exit(0);
  };
  EXPECT_EXIT(body(), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace pghaul
