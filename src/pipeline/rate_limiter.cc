#include "pipeline/rate_limiter.h"

#include "base/activity.h"

namespace pghaul {
namespace {

constexpr auto longest_saving = std::chrono::milliseconds(100);
constexpr std::int64_t largest_piece = 64 * 1024;
constexpr std::int64_t pieces_per_second = 20;

}  // namespace

RateSchedule::TimePoint RateSchedule::pass(std::int64_t bytes, TimePoint now) {
  const std::chrono::duration<double> span(static_cast<double>(bytes) /
                                           static_cast<double>(bytes_per_second_));
  free_at_ =
      std::max(free_at_, now - longest_saving) + std::chrono::duration_cast<Deadline::Clock::duration>(span);
  return free_at_;
}

RateLimiter::RateLimiter(std::optional<std::int64_t> bytes_per_second, const StopSource& stop)
    : stop_(stop),
      piece_(std::min(largest_piece, bytes_per_second.value_or(INT64_MAX) / pieces_per_second + 1)) {
  if (bytes_per_second) schedule_.emplace(*bytes_per_second);
}

void RateLimiter::pass(std::int64_t bytes) {
  if (!schedule_) return;
  const auto now = Deadline::Clock::now();
  RateSchedule::TimePoint until;
  {
    const std::lock_guard lock(mutex_);
    until = schedule_->pass(bytes, now);
  }
  if (until <= now) return;
  const Doing waiting(Activity::rate);
  stop_.sleep_for(until - now);
}

}  // namespace pghaul
