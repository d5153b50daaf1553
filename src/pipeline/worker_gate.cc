#include "pipeline/worker_gate.h"

#include "base/activity.h"

namespace pghaul {
namespace {

// A stop is raised from a signal handler, too, which cannot notify anybody.
constexpr auto stop_check_interval = std::chrono::milliseconds(50);

}  // namespace

void WorkerGate::want(int workers) {
  const std::lock_guard lock(mutex_);
  wanted_ = workers;
  changed_.notify_all();
}

int WorkerGate::at_work() const {
  const std::lock_guard lock(mutex_);
  return at_work_;
}

void WorkerGate::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool WorkerGate::enter() {
  std::unique_lock lock(mutex_);
  while (!closed_ && !stop_.requested() && at_work_ >= wanted_) {
    const Doing parked(Activity::parked);
    changed_.wait_for(lock, stop_check_interval);
  }
  if (closed_ || stop_.requested()) return false;
  ++at_work_;
  return true;
}

void WorkerGate::leave() {
  const std::lock_guard lock(mutex_);
  --at_work_;
  changed_.notify_all();
}

bool WorkerGate::too_many() const {
  const std::lock_guard lock(mutex_);
  return at_work_ > wanted_;
}

WorkPlace::~WorkPlace() {
  if (taken_) gate_.leave();
}

// One that has a place goes on after close(), too: what it asks for next tells that there is nothing.
bool WorkPlace::take() {
  if (taken_ && !gate_.too_many()) return true;
  if (taken_) gate_.leave();
  taken_ = gate_.enter();
  return taken_;
}

}  // namespace pghaul
