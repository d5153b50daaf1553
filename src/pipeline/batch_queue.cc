#include "pipeline/batch_queue.h"

#include "base/activity.h"

namespace pghaul {
namespace {

constexpr auto stop_check_interval = std::chrono::milliseconds(50);

}  // namespace

void BatchQueue::push(BatchStreamPtr batch) {
  std::unique_lock lock(mutex_);
  while (batches_.size() >= capacity_) {
    const Doing waiting(Activity::no_room);
    stop_.throw_if_requested();
    changed_.wait_for(lock, stop_check_interval);
  }
  batches_.push_back(std::move(batch));
  changed_.notify_all();
}

BatchStreamPtr BatchQueue::pop() {
  std::unique_lock lock(mutex_);
  while (batches_.empty()) {
    const Doing waiting(Activity::no_batch);
    if (closed_ || stop_.requested()) return nullptr;
    changed_.wait_for(lock, stop_check_interval);
  }
  if (stop_.requested()) return nullptr;
  auto batch = std::move(batches_.front());
  batches_.pop_front();
  changed_.notify_all();
  return batch;
}

void BatchQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace pghaul
