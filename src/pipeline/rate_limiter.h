// Bytes per second, for the whole job.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/stop.h"

namespace pghaul {

// When bytes may pass, at a steady rate; what was not used is not saved up for longer than a tenth of a
// second. Without a clock of its own. Threads: one at a time.
class RateSchedule {
 public:
  using TimePoint = Deadline::Clock::time_point;
  explicit RateSchedule(std::int64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // These bytes have come through `now`; the time at which whoever took them may go on.
  TimePoint pass(std::int64_t bytes, TimePoint now);

 private:
  const std::int64_t bytes_per_second_;
  TimePoint free_at_{};
};

// Holds threads to it. Threads: safe.
class RateLimiter {
 public:
  RateLimiter(std::optional<std::int64_t> bytes_per_second, const StopSource& stop);

  // How many bytes should pass at a time, so that nobody sleeps for long: 64 kB, or less where the rate is
  // low.
  std::int64_t piece() const { return piece_; }
  // Sleeps as long as the rate asks for. Returns early when a stop is requested.
  void pass(std::int64_t bytes);

 private:
  const StopSource& stop_;
  const std::int64_t piece_;
  std::mutex mutex_;
  std::optional<RateSchedule> schedule_;  // guarded by mutex_; that there is one stays as it is
};

}  // namespace pghaul
