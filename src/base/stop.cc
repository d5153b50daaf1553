#include "base/stop.h"

#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace pghaul {

StopSource::StopSource() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw Error(ErrorKind::failed, "cannot make an eventfd").on(Side::local).with_errno(errno);
}

StopSource::~StopSource() { ::close(wake_fd_); }

void StopSource::request(StopReason reason) noexcept {
  int none = 0;
  if (!reason_.compare_exchange_strong(none, static_cast<int>(reason))) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);  // cannot fail: counter was 0
}

void StopSource::throw_if_requested() const {
  if (requested()) throw stopped_error(reason());
}

bool StopSource::sleep_for(Deadline::Clock::duration span) const {
  const auto deadline = Deadline::after(span);
  while (!requested()) {
    const auto left = std::min<Deadline::Clock::duration>(deadline.remaining(), std::chrono::minutes(1));
    if (left <= Deadline::Clock::duration::zero()) return true;
    pollfd wake{wake_fd_, POLLIN, 0};
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const timespec time{whole.count(), std::chrono::nanoseconds(left - whole).count()};
    ::ppoll(&wake, 1, &time, nullptr);  // poll()'s milliseconds would be a twentieth of a short sleep
  }
  return false;
}

Error stopped_error(StopReason reason) {
  switch (reason) {
    case StopReason::signal: return Error(ErrorKind::stopped, "stopped by a signal");
    case StopReason::deadline: return Error(ErrorKind::stopped, "stopped: the time given with --timeout is over");
    case StopReason::paused: return Error(ErrorKind::stopped, "paused: the chunks given with --max-chunks are done");
    case StopReason::failed: return Error(ErrorKind::stopped, "stopped because another part of the job failed");
    case StopReason::asked: return Error(ErrorKind::stopped, "stopped as was asked");
    case StopReason::none: break;
  }
  return Error(ErrorKind::stopped, "stopped");
}

}  // namespace pghaul
