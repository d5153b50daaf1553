#include "command/target_tasks.h"

#include <utility>

#include "base/log.h"
#include "base/sqlstate.h"
#include "base/thread_error.h"

namespace pghaul {

TargetTasks::TargetTasks(const Sessions& sessions, const RetryPolicy& retry, StopSource& stop, int most_sessions)
    : sessions_(sessions), retry_(retry), stop_(stop), most_(most_sessions) {}

void TargetTasks::end() {
  if (!idle()) stop_.request(StopReason::failed);
  std::vector<std::jthread> threads;  // waited for without the lock, which they want
  const std::lock_guard lock(mutex_);
  most_ = 0;
  waiting_.clear();
  threads.swap(threads_);
}

void TargetTasks::take_over(int most_sessions) {
  const std::lock_guard lock(mutex_);
  rows_move_ = false;
  most_ = most_sessions;
  start_threads();
}

void TargetTasks::add(Task task) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(task));
  start_threads();
}

// With the lock held. A thread that was started has not taken its task yet, so the tasks are counted.
void TargetTasks::start_threads() {
  for (auto tasks = waiting_.size(); tasks > 0 && running_ < most_ && !failure_; --tasks) {
    try {
      threads_.emplace_back([this, number = running_ + 1, log = LogScope::of_this_thread()] {
        const LogScope scope(log);
        run(number);
      });
    } catch (const std::system_error& error) {
      if (running_ > 0) return;  // those that run see to it
      failure_ = no_thread_error(error);
      return stop_.request(StopReason::failed);
    }
    ++running_;
  }
}

// Ends under the lock that found nothing to do: whoever adds something after it starts another thread.
std::optional<TargetTasks::Task> TargetTasks::next() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() || failure_ || running_ > most_) {
    --running_;
    return std::nullopt;
  }
  auto task = std::move(waiting_.front());
  waiting_.pop_front();
  return task;
}

// A lost server is waited for as long as --reconnect-timeout says.
std::optional<pg::Connection> TargetTasks::connect(int number) {
  std::optional<pg::Connection> connection;
  try_until_done(retry_, &stop_, [&](RetryState&) {
    try {
      connection.emplace(sessions_.target(), sessions_.builder_session(number));
    } catch (const Error& error) {
      if (error.sqlstate() != sqlstate::too_many_connections || !can_wait()) throw;
      log_debug("{}; going on with fewer index builders", error.headline());
      retry_.note_connected(error.side());  // others are at work
    }
  });
  return connection;
}

bool TargetTasks::can_wait() const {
  const std::lock_guard lock(mutex_);
  return rows_move_ || running_ > 1;
}

void TargetTasks::put_off(Task task) {
  const std::lock_guard lock(mutex_);
  waiting_.push_front(std::move(task));
  if (rows_move_) most_ = 0;
  else if (running_ > 1) most_ = running_ - 1;
}

void TargetTasks::run(int number) noexcept {
  std::optional<pg::Connection> connection;
  while (auto task = next()) {
    try {
      if (!connection) connection = connect(number);
      if (connection) (*task)(*connection);
      else put_off(std::move(*task));
    } catch (const Error& error) {
      note(error);
    } catch (const std::exception& error) {
      note(Error(ErrorKind::failed, error.what()).on(Side::local));
    }
  }
}

void TargetTasks::note(const Error& error) noexcept {
  const std::lock_guard lock(mutex_);
  if (!failure_ || failure_->kind() == ErrorKind::stopped) failure_ = error;
  stop_.request(StopReason::failed);
}

bool TargetTasks::idle() const {
  const std::lock_guard lock(mutex_);
  return running_ == 0 && (waiting_.empty() || failure_);
}

void TargetTasks::wait(const std::function<void()>& tick) {
  while (!idle()) {
    tick();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::vector<std::jthread> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(threads_);
  }
  ended.clear();
  if (const auto error = failure()) throw *error;
}

std::optional<Error> TargetTasks::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace pghaul
