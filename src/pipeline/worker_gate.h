// How many workers of a stage are at work.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/stop.h"

namespace pghaul {

// Workers pass it before each piece of work; those that are too many wait, with nothing in their hands. Whichever they are:
// one that ends for want of a session leaves its place to another. Threads: safe.
class WorkerGate {
 public:
  WorkerGate(int wanted, const StopSource& stop) : stop_(stop), wanted_(wanted) {}

  void want(int workers);
  int at_work() const;
  // There is nothing to do any more.
  void close();

 private:
  friend class WorkPlace;
  bool enter();
  void leave();
  bool too_many() const;

  const StopSource& stop_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  int wanted_;
  int at_work_ = 0;
  bool closed_ = false;
};

// A worker's place behind the gate, given up when this ends.
class WorkPlace {
 public:
  explicit WorkPlace(WorkerGate& gate) : gate_(gate) {}
  ~WorkPlace();
  WorkPlace(const WorkPlace&) = delete;
  WorkPlace& operator=(const WorkPlace&) = delete;

  // Between two pieces of work; waits while others are to do it. False: there is nothing to do any more.
  bool take();

 private:
  WorkerGate& gate_;
  bool taken_ = false;
};

}  // namespace pghaul
