// A run of pghaul of which everything is noted that a hostile server could have an influence on.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "support/program.h"

namespace pghaul::test {

struct WatchedRun {
  int status = -1;  // exit code, 128 + signal number, or -1: killed by us at the limit
  std::string out, err;
  std::chrono::milliseconds took{};
  std::int64_t peak_memory_bytes = 0;  // resident
};
std::ostream& operator<<(std::ostream& stream, const WatchedRun& run);

// Threads: any. Judges nothing, so it can be called outside a test.
WatchedRun watch_pghaul(const Arguments& arguments, std::chrono::milliseconds limit,
                        const Environment& environment = {});

}  // namespace pghaul::test
