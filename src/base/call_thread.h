// Calls of code that may never come back.
#pragma once

#include <functional>
#include <memory>

#include "pghaul/deadline.h"

namespace pghaul {

// A thread that makes one call after the other for a caller who waits for each of them no longer than a deadline.
// Threads: one caller at a time.
class CallThread {
 public:
  // Errors: failed with errno, when no thread can be started.
  CallThread();
  // Ends the thread, or leaves it behind if its call has not come back.
  ~CallThread();
  CallThread(const CallThread&) = delete;
  CallThread& operator=(const CallThread&) = delete;

  // False: `call` has not come back at `deadline`. It is left to itself then, so it must own all that it uses, and the
  // thread makes no further calls: run() must not be called again. What `call` throws passes through, whatever it is.
  [[nodiscard]] bool run(std::function<void()> call, Deadline deadline);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}  // namespace pghaul
