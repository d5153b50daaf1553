// Work on sessions of the target, several pieces at a time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "command/sessions.h"
#include "pg/connection.h"

namespace pghaul {

// A thread with a session of its own is started when there is work for it, and ends when there is none. The first error
// stops the job.
// Threads: add() and failure() are for any, the rest for the owner.
class TargetTasks {
 public:
  using Task = std::function<void(pg::Connection&)>;

  // Borrows all.
  TargetTasks(const Sessions& sessions, const RetryPolicy& retry, StopSource& stop, int most_sessions);
  // Stops the job if anything is left to do: an error of somebody else passes by. Waits for what runs.
  ~TargetTasks();
  TargetTasks(const TargetTasks&) = delete;
  TargetTasks& operator=(const TargetTasks&) = delete;

  void allow(int most_sessions);
  void add(Task task);
  // Until nothing is left, what tasks have added included. `tick` is called several times a second.
  // Errors: the first one of any task.
  void wait(const std::function<void()>& tick);
  std::optional<Error> failure() const;

 private:
  void start_threads();
  void run(int number) noexcept;
  std::optional<Task> next();
  void note(const Error& error) noexcept;
  pg::Connection connect(int number);
  bool idle() const;

  const Sessions& sessions_;
  const RetryPolicy retry_;
  StopSource& stop_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  int most_;
  int running_ = 0;
  std::deque<Task> waiting_;
  std::optional<Error> failure_;
  std::vector<std::jthread> threads_;  // those that have ended, too
};

}  // namespace pghaul
