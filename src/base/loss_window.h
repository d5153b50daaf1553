// Since when a server is lost, for all that have sessions on it: they wait for it side by side, so their waits must not
// add up.
#pragma once

#include <mutex>
#include <optional>

#include "pghaul/deadline.h"
#include "pghaul/error.h"

namespace pghaul {

// Opened by the first loss, closed by the next session that is established. Threads: safe.
class LossWindow {
 public:
  using Time = Deadline::Clock::time_point;

  // To be told of each loss. When the window was opened.
  Time lost(Time now) {
    const std::lock_guard lock(mutex_);
    if (!since_) since_ = now;
    return *since_;
  }
  // A session was established, or others are known to be at work.
  void connected() {
    const std::lock_guard lock(mutex_);
    since_.reset();
  }

 private:
  std::mutex mutex_;
  std::optional<Time> since_;  // guarded by mutex_
};

// One of each server of a job.
class LossWindows {
 public:
  // Null: what is lost there is no server.
  LossWindow* of(Side side) { return side == Side::source ? &source_ : side == Side::target ? &target_ : nullptr; }
  void connected(Side side) {
    if (auto* const window = of(side)) window->connected();
  }

 private:
  LossWindow source_, target_;
};

}  // namespace pghaul
