// Batches between readers and writers.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "pipeline/batch_stream.h"

namespace pghaul {

// Bounded: a push waits until there is room. Threads: safe. Waits end when a stop is requested.
class BatchQueue {
 public:
  BatchQueue(std::size_t capacity, const StopSource& stop) : capacity_(capacity), stop_(stop) {}

  // Errors: stopped.
  void push(BatchStreamPtr batch);
  // Null when the queue is closed and empty, or a stop is requested.
  BatchStreamPtr pop();
  // No more will be pushed.
  void close();

 private:
  const std::size_t capacity_;
  const StopSource& stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<BatchStreamPtr> batches_;
  bool closed_ = false;
};

}  // namespace pghaul
