/// @file
/// Copying tables from one PostgreSQL server to another: what `pghaul copy` does, for programs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pghaul/api.h"
#include "pghaul/error.h"
#include "pghaul/log_level.h"
#include "pghaul/pg_copy_options.h"
#include "pghaul/pg_copy_report.h"

namespace pghaul {

/// Who is told what a job does; each may be empty. Threads: `findings` and `progress` are called on the job's own thread,
/// `log` on all of its threads, one at a time. None may call functions of the job but stop(). What `findings` and
/// `progress` throw ends the job.
struct PgCopyWatch {
  /// Warnings of the check before anything is written; errors are told by the refusal.
  std::function<void(const std::vector<Finding>&)> findings;
  /// Several times a second.
  std::function<void(const PgCopyProgress&)> progress;
  /// Lines for people, without line end; never rows, never passwords. Without it nothing is logged anywhere.
  std::function<void(LogLevel, const std::string&)> log;
};

/// A running copy of tables, every row exactly once; killed and started again with the same options (but for `full`) it
/// continues. Rows that were copied are recorded in the target, in the same transaction.
///
/// Installs no signal handlers, writes nothing to standard output or standard error, and ends the program in no case.
/// Several jobs may run in one process. Threads: safe.
class PGHAUL_API PgCopyJob {
 public:
  /// Starts; returns at once. Errors: usage, if options are out of range or contradict each other; failed, if no thread
  /// can be started.
  explicit PgCopyJob(PgCopyOptions options, PgCopyWatch watch = {});
  /// Stops the job and waits for its end, as stop() and wait() do, but without their errors.
  ~PgCopyJob();
  PgCopyJob(const PgCopyJob&) = delete;             ///< a job is one thing
  PgCopyJob& operator=(const PgCopyJob&) = delete;  ///< a job is one thing

  /// Asks it to end: running queries are cancelled, transactions rolled back. The same options continue it. May be
  /// called from a signal handler.
  void stop() noexcept;
  /// As stop(); ledger and error say that it was a signal.
  void stop_for_signal() noexcept;

  /// Waits at most so long. True: the job has ended.
  bool wait_for(std::chrono::milliseconds span);

  /// Waits for the end, and tells what was done. Errors: pghaul::Error of kind
  ///  - usage: a connection string cannot be read
  ///  - refused: nothing was written; the message says why, and what to do
  ///  - stopped: by stop(), PgCopyOptions::timeout or PgCopyOptions::max_chunks; the same options continue
  ///  - failed: what failed first; what was finished before is kept, and the same options continue
  ///
  /// Where something hangs that no stop reaches, it throws `stopped` some 8 s after the stop or the timeout, and
  /// left_behind() is true.
  CopyReport wait();

  /// After wait(), also if it threw: what was done until then.
  CopyReport report() const;

  /// The job's threads still run, and own all that they use. To end the program then is safe: the target rolls back what
  /// is open.
  bool left_behind() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace pghaul
