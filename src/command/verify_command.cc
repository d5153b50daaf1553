#include "command/commands.h"
#include "command/job_timer.h"
#include "command/ledger_check.h"
#include "command/run_policy.h"
#include "command/verify_job.h"

namespace pghaul {

namespace {

constexpr auto safe = "nothing is written anywhere; what was compared says nothing of the rest";
constexpr auto advice = "run the same command again, with a longer --timeout if that was the reason";

// Sources that are read for a copy tell how that goes on.
bool advises_a_copy(const Error& error) {
  return error.advice().find("--full") != std::string::npos;
}

void complete(Error& error, const Sessions& sessions) {
  if (error.kind() == ErrorKind::stopped) {
    error.safe(safe).advise(advice);
  } else if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::refused) {
    error.safe(safe);
    if (error.advice().empty() || advises_a_copy(error))
      error.advise("mend the cause and run the same command again");
  }
  sessions.complete(error);
}

template <typename Job>
VerifyReport run_to_the_end(Job& job, const StopSource& stop, VerifyReport* partial) {
  try {
    job.run();
  } catch (Error& error) {
    tell_stop(error, stop);
    complete(error, job.sessions());
    if (partial != nullptr) *partial = job.report();
    throw;
  }
  return job.report();
}

}  // namespace

VerifyReport verify(const VerifyOptions& options, StopSource& stop, CopyObserver& observer,
                    VerifyReport* partial) {
  const JobTimer timer(options.copy.timeout, stop, safe, advice);
  if (options.from_ledger) {
    LedgerCheck check(options, stop, observer);
    return run_to_the_end(check, stop, partial);
  }
  VerifyJob job(options, stop, observer);
  return run_to_the_end(job, stop, partial);
}

}  // namespace pghaul
