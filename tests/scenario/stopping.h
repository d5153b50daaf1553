// For scenarios in which a copy is stopped, or servers are.
#pragma once

#include "scenario/copy_test.h"

namespace pghaul::test {

class Stopping : public CopyTest {
 protected:
  // A copy of some seconds, in many chunks.
  static Arguments slow(const Arguments& more = {}) {
    Arguments arguments{"--batch-bytes", "64kB", "--readers", "1", "--sleep", "50ms"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  bool has_sessions() const { return sessions_left() > 0; }
  // Ends with 4 not later than ten seconds after `bound`, and leaves nothing behind.
  ProgramResult expect_stop(RunningProgram& running, std::chrono::milliseconds bound) const {
    const auto started = Deadline::Clock::now();
    auto result = running.finish(bound + 60s);
    EXPECT_LT(Deadline::Clock::now() - started, bound + 10s);
    EXPECT_EQ(result.status, 4) << result;
    EXPECT_THAT(result.err, HasSubstr("next:   run the same command again (without --full)")) << result;
    expect_no_session_left();
    return result;
  }
  // The next run brings both sides together.
  nlohmann::json expect_completion(const Arguments& more = {}) const {
    auto report = copied(more);
    expect_equal();
    EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
    return report;
  }
};

}  // namespace pghaul::test
