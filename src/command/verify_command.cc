#include "base/log.h"
#include "command/commands.h"
#include "command/job_timer.h"
#include "command/verify_job.h"

namespace pghaul {

VerifyReport verify(const VerifyOptions& options, StopSource& stop, CopyObserver& observer, VerifyReport* partial) {
  constexpr auto safe = "nothing is written anywhere; what was compared says nothing of the rest";
  constexpr auto advice = "run the same command again, with a longer --timeout if that was the reason";
  const JobTimer timer(options.copy.timeout, stop, safe, advice);
  VerifyJob job(options, stop, observer);
  try {
    job.run();
  } catch (Error& error) {
    if (stop.requested() && stop.reason() != StopReason::failed && error.kind() != ErrorKind::stopped) {
      log_debug("while stopping: {}", error.headline());
      error = stopped_error(stop.reason());
    }
    if (error.kind() == ErrorKind::stopped) error.safe(safe).advise(advice);
    job.complete(error);
    if (partial != nullptr) *partial = job.report();
    throw;
  }
  return job.report();
}

}  // namespace pghaul
