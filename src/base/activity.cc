#include "base/activity.h"

#include <ctime>
#include <utility>

namespace pghaul {
namespace {

thread_local ActivityClock* clock_of_this_thread = nullptr;

std::chrono::nanoseconds cpu_of_this_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Activity answer_of(Side side) {
  return side == Side::source ? Activity::source_answer : Activity::target_answer;
}
Activity rows_of(Side side) {
  return side == Side::source ? Activity::source_rows : Activity::target_answer;
}

void ActivityClock::count_until(Clock::time_point now) {
  counted_.times[static_cast<std::size_t>(activity_)] += now - since_;
  since_ = now;
}

void ActivityClock::begin() {
  const std::lock_guard lock(mutex_);
  activity_ = Activity::working;
  since_ = Clock::now();
  running_ = true;
}

Activity ActivityClock::enter(Activity next) {
  const std::lock_guard lock(mutex_);
  count_until(Clock::now());
  return std::exchange(activity_, next);
}

void ActivityClock::end() {
  const std::lock_guard lock(mutex_);
  count_until(Clock::now());
  counted_.cpu += cpu_of_this_thread();
  running_ = false;
}

void ActivityClock::moved(std::int64_t rows, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  counted_.rows += rows;
  counted_.bytes += bytes;
}

ActivityClock::Reading ActivityClock::read() const {
  const std::lock_guard lock(mutex_);
  auto reading = counted_;
  if (running_) reading.times[static_cast<std::size_t>(activity_)] += Clock::now() - since_;
  return reading;
}

ActivityScope::ActivityScope(ActivityClock* clock) : clock_(clock) {
  clock_of_this_thread = clock_;
  if (clock_ != nullptr) clock_->begin();
}

ActivityScope::~ActivityScope() {
  if (clock_ != nullptr) clock_->end();
  clock_of_this_thread = nullptr;
}

Doing::Doing(Activity activity) : clock_(clock_of_this_thread) {
  if (clock_ != nullptr) before_ = clock_->enter(activity);
}

Doing::~Doing() {
  if (clock_ != nullptr) clock_->enter(before_);
}

void count_moved(std::int64_t rows, std::int64_t bytes) {
  if (clock_of_this_thread != nullptr) clock_of_this_thread->moved(rows, bytes);
}

}  // namespace pghaul
