// Bytes per second, for the whole job.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/stop.h"

namespace pghaul {

// Lets bytes through at a steady rate; what was not used is not saved up for longer than a tenth of a second.
// Threads: safe.
class RateLimiter {
 public:
  RateLimiter(std::optional<std::int64_t> bytes_per_second, const StopSource& stop)
      : bytes_per_second_(bytes_per_second), stop_(stop) {}

  // Sleeps as long as the rate asks for. Returns early when a stop is requested.
  void pass(std::int64_t bytes);

 private:
  const std::optional<std::int64_t> bytes_per_second_;
  const StopSource& stop_;
  std::mutex mutex_;
  Deadline::Clock::time_point free_at_{};  // guarded by mutex_
};

}  // namespace pghaul
