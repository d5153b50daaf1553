/// @file
/// A point on the monotonic clock until which something may take.
#pragma once

#include <algorithm>
#include <chrono>

namespace pghaul {

/// A value; cheap to copy. Wall-clock changes do not move it.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;  ///< monotonic

  /// One that is not reached.
  static Deadline never() { return Deadline(Clock::time_point::max()); }
  /// One at a point of the clock.
  static Deadline at(Clock::time_point when) { return Deadline(when); }
  /// One in `span` from now; never(), if that is beyond the clock.
  static Deadline after(Clock::duration span) {
    const auto now = Clock::now();
    return span >= Clock::time_point::max() - now ? never() : Deadline(now + span);
  }

  /// The point itself.
  Clock::time_point when() const { return when_; }
  /// Whether it is not reached ever.
  bool is_never() const { return when_ == Clock::time_point::max(); }
  /// Whether it is over.
  bool expired() const { return !is_never() && Clock::now() >= when_; }

  /// Time that is left; never negative.
  Clock::duration remaining() const {
    return is_never() ? Clock::duration::max() : std::max(when_ - Clock::now(), Clock::duration::zero());
  }
  /// The one of both that comes first.
  Deadline sooner(Deadline other) const { return Deadline(std::min(when_, other.when_)); }

 private:
  explicit Deadline(Clock::time_point when) : when_(when) {}
  Clock::time_point when_;
};

}  // namespace pghaul
