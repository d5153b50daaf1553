#include "command/commands.h"
#include "command/copy_job.h"
#include "command/job_timer.h"
#include "command/run_policy.h"

namespace pghaul {

CopyReport copy(const PgCopyOptions& options, StopSource& stop, CopyObserver& observer, CopyReport* partial) {
  // Outlives the job, whose end may hang.
  const JobTimer timer(options.timeout, stop);
  CopyJob job(options, stop, observer);
  try {
    job.run();
  } catch (Error& error) {
    tell_stop(error, stop);
    if (error.kind() == ErrorKind::stopped && error.advice().empty()) {
      error.safe("every finished chunk is kept with its mark in the ledger")
          .advise("run the same command again (without --full): it continues where it stopped");
    }
    job.complete(error);
    job.note_stop(error);
    if (partial != nullptr) *partial = job.report();
    throw;
  }
  return job.report();
}

}  // namespace pghaul
