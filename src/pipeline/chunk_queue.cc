#include "pipeline/chunk_queue.h"

#include "base/activity.h"

namespace pghaul {

// Waits look at the stop now and then: it is raised from a signal handler, which cannot notify anybody.
constexpr auto stop_check_interval = std::chrono::milliseconds(50);

bool ChunkQueue::may_hand_out() const { return !most_ || completed_ + in_flight_ < *most_; }

void ChunkQueue::add(ChunkTaskPtr task) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(task));
  changed_.notify_one();
}

ChunkTaskPtr ChunkQueue::claim() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop_.requested()) return nullptr;
    if (!waiting_.empty() && may_hand_out()) break;
    if (in_flight_ == 0) return nullptr;
    const Doing waiting(Activity::no_chunk);
    changed_.wait_for(lock, stop_check_interval);
  }
  auto task = std::move(waiting_.front());
  waiting_.pop_front();
  ++in_flight_;
  return task;
}

void ChunkQueue::complete(const ChunkTaskPtr&) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  ++completed_;
  changed_.notify_all();
}

void ChunkQueue::give_back(const ChunkTaskPtr& task) { replace(task, {task}); }

void ChunkQueue::replace(const ChunkTaskPtr&, const std::vector<ChunkTaskPtr>& children) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  // In front: a range is finished before the next one is cut up, so that few chunks stand open at any time.
  waiting_.insert(waiting_.begin(), children.begin(), children.end());
  changed_.notify_all();
}

bool ChunkQueue::limit_reached() const {
  const std::lock_guard lock(mutex_);
  return most_ && !waiting_.empty() && completed_ >= *most_;
}

}  // namespace pghaul
