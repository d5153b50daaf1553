// How a whole job is told to stop: by a signal, its deadline, a pause, or its first error.
#pragma once

#include <atomic>

#include "pghaul/deadline.h"
#include "pghaul/error.h"

namespace pghaul {

enum class StopReason : int { none, signal, deadline, paused, failed, asked };

// One per job. Threads: request() may be called from any thread and from a signal handler; the rest from any
// thread. The first reason wins and stays. Must outlive everything that holds a pointer to it.
class StopSource {
 public:
  StopSource();
  ~StopSource();
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  void request(StopReason reason) noexcept;
  StopReason reason() const noexcept { return static_cast<StopReason>(reason_.load(std::memory_order_acquire)); }
  bool requested() const noexcept { return reason() != StopReason::none; }
  // Readable from the request on, for ever; to be polled beside a socket. Owned by this object.
  int wake_fd() const noexcept { return wake_fd_; }
  // Throws Error(stopped) once requested.
  void throw_if_requested() const;
  // Sleeps; returns early when a stop is requested. True if the time passed without a stop.
  bool sleep_for(Deadline::Clock::duration span) const;

 private:
  std::atomic<int> reason_{0};
  int wake_fd_;
};

// The error that a stop turns into; its text names the reason.
Error stopped_error(StopReason reason);

}  // namespace pghaul
