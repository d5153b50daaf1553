// What a thread that moves rows does with its time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "pghaul/error.h"

namespace pghaul {

enum class Activity {
  working,        // of its own, with what the kernel does for it
  source_answer,  // waits until the source answers a query
  source_rows,    // waits for more rows of a COPY
  no_room,        // waits until a writer takes what was read
  no_chunk,       // waits for something to read
  no_batch,       // waits for something to write
  target_room,    // waits until the target takes more rows
  target_answer,  // waits until the target answers a query
  rate,           // --max-rate
  sleep,          // --sleep
  retry,          // the pause before another try
  connecting,
  parked,         // more are at work than pay; see WorkerTuner
};
inline constexpr std::size_t activity_count = 13;

// What waiting for an answer of that side is called.
Activity answer_of(Side side);
// The same for rows that it sends.
Activity rows_of(Side side);

// Counts the time of a thread by what it does, and what passes through it. Looks at the clock once a change,
// and takes a lock that nobody else wants but a few times a second. Threads: begin(), enter() and end() are
// for the thread itself, the rest for any.
class ActivityClock {
 public:
  using Times = std::array<std::chrono::nanoseconds, activity_count>;
  struct Reading {
    Times times{};
    std::chrono::nanoseconds cpu{0};  // of those that have ended
    std::int64_t rows = 0, bytes = 0;
  };

  // May be called again after end(), by another thread: it goes on counting.
  void begin();
  // What it did until now.
  Activity enter(Activity next);
  void end();
  void moved(std::int64_t rows, std::int64_t bytes);
  Reading read() const;

 private:
  using Clock = std::chrono::steady_clock;
  void count_until(Clock::time_point now);

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  Reading counted_;
  Activity activity_ = Activity::working;
  Clock::time_point since_;
  bool running_ = false;
};

// While it lives, this thread's time is counted by `clock`; null: not at all.
class ActivityScope {
 public:
  explicit ActivityScope(ActivityClock* clock);
  ~ActivityScope();
  ActivityScope(const ActivityScope&) = delete;
  ActivityScope& operator=(const ActivityScope&) = delete;

 private:
  ActivityClock* const clock_;
};

// While it lives, this thread does that, where its time is counted. They nest; the innermost counts.
class Doing {
 public:
  explicit Doing(Activity activity);
  ~Doing();
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  ActivityClock* const clock_;
  Activity before_ = Activity::working;
};

// So much passed through this thread.
void count_moved(std::int64_t rows, std::int64_t bytes);

}  // namespace pghaul
