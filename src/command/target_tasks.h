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

// A thread with a session of its own is started when there is work for it, and ends when there is none. Where the
// server has no place for one more, those that work go on without it, be it that they move rows. The first error stops the job.
// Threads: add() and failure() are for any, the rest for the owner.
class TargetTasks {
 public:
  using Task = std::function<void(pg::Connection&)>;

  // `most_sessions`: while others move rows. Borrows all.
  TargetTasks(const Sessions& sessions, const RetryPolicy& retry, StopSource& stop, int most_sessions);
  ~TargetTasks() { end(); }
  TargetTasks(const TargetTasks&) = delete;
  TargetTasks& operator=(const TargetTasks&) = delete;

  // All rows are there; so many sessions may work now.
  void take_over(int most_sessions);
  void add(Task task);
  // Until nothing is left, what tasks have added included. `tick` is called several times a second.
  // Errors: the first one of any task.
  void wait(const std::function<void()>& tick);
  // After an error of somebody else: stops the job if anything is left to do, and waits for what runs.
  void end();
  std::optional<Error> failure() const;

 private:
  void start_threads();
  void run(int number) noexcept;
  std::optional<Task> next();
  void note(const Error& error) noexcept;
  // Nothing: there is no place, and the work can wait.
  std::optional<pg::Connection> connect(int number);
  bool can_wait() const;
  void put_off(Task task);
  bool idle() const;

  const Sessions& sessions_;
  const RetryPolicy retry_;
  StopSource& stop_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  int most_;
  bool rows_move_ = true;
  int running_ = 0;
  std::deque<Task> waiting_;
  std::optional<Error> failure_;
  std::vector<std::jthread> threads_;  // those that have ended, too
};

}  // namespace pghaul
