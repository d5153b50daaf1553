#include "command/job_timer.h"

#include <cstdio>
#include <cstdlib>

namespace pghaul {
namespace {

// Beyond what any wait, clean-up or cancel request takes after a stop.
constexpr auto longest_end = std::chrono::seconds(8);

}  // namespace

JobTimer::JobTimer(Duration timeout, StopSource& stop)
    : stop_(stop), ends_program_(false), thread_([this, timeout](const std::stop_token& done) { keep_time(timeout, done); }) {}

JobTimer::JobTimer(Duration timeout, StopSource& stop, std::string safe, std::string advice)
    : stop_(stop),
      ends_program_(true),
      safe_(std::move(safe)),
      advice_(std::move(advice)),
      thread_([this, timeout](const std::stop_token& done) { keep_time(timeout, done); }) {}

// It is safe: servers roll back what is open.
void JobTimer::end_at_once() const {
  const auto error = Error(ErrorKind::stopped, "stopped: the time given with --timeout is over, and something hangs")
                         .safe(safe_)
                         .advise(advice_);
  std::fprintf(stderr, "pghaul: %s\n", error.story().c_str());
  std::_Exit(exit_code(error.kind()));
}

// Also what has no tick of its own, such as connecting, ends in time.
void JobTimer::keep_time(Duration timeout, const std::stop_token& done) {
  const auto deadline = Deadline::after(timeout);
  while (!done.stop_requested() && !stop_.requested()) {
    if (deadline.expired()) stop_.request(StopReason::deadline);
    stop_.sleep_for(std::chrono::milliseconds(50));
  }
  if (!ends_program_ || stop_.reason() != StopReason::deadline) return;
  const auto end = Deadline::after(longest_end);
  while (!done.stop_requested() && !end.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (!done.stop_requested()) end_at_once();
}

}  // namespace pghaul
