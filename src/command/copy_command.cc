#include <thread>

#include "base/log.h"
#include "command/commands.h"
#include "command/copy_job.h"

namespace pghaul {

CopyReport copy(const CopyOptions& options, StopSource& stop, CopyObserver& observer, CopyReport* partial) {
  CopyJob job(options, stop, observer);
  // Also what has no tick of its own, such as connecting, ends in time.
  std::jthread timer([&](const std::stop_token& done) {
    const auto deadline = Deadline::after(options.timeout);
    while (!done.stop_requested() && !stop.requested()) {
      if (deadline.expired()) stop.request(StopReason::deadline);
      stop.sleep_for(std::chrono::milliseconds(50));
    }
  });
  try {
    job.run();
  } catch (Error& error) {
    // A cancelled query or a lost session is how a stop shows at its place; the reason is the stop.
    if (stop.requested() && stop.reason() != StopReason::failed && error.kind() != ErrorKind::stopped) {
      log_debug("while stopping: {}", error.headline());
      error = stopped_error(stop.reason());
    }
    if (error.kind() == ErrorKind::stopped && error.advice().empty()) {
      error.safe("every finished chunk is kept with its mark in the ledger")
          .advise("run the same command again (without --full): it continues where it stopped");
    }
    job.note_stop(error);
    if (partial != nullptr) *partial = job.report();
    throw;
  }
  return job.report();
}

}  // namespace pghaul
