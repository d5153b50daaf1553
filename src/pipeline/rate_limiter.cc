#include "pipeline/rate_limiter.h"

#include "base/activity.h"

namespace pghaul {

void RateLimiter::pass(std::int64_t bytes) {
  if (!bytes_per_second_) return;
  const auto span = std::chrono::duration_cast<Deadline::Clock::duration>(
      std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(*bytes_per_second_)));
  Deadline::Clock::time_point until;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Deadline::Clock::now();
    free_at_ = std::max(free_at_, now - std::chrono::milliseconds(100)) + span;
    until = free_at_;
  }
  const Doing waiting(Activity::rate);
  const auto now = Deadline::Clock::now();
  if (until > now) stop_.sleep_for(until - now);
}

}  // namespace pghaul
