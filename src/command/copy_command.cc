#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/log.h"
#include "command/commands.h"
#include "command/copy_job.h"

namespace pghaul {

namespace {

// Beyond what any wait, clean-up or cancel request takes after a stop.
constexpr auto longest_end = std::chrono::seconds(8);

// What hangs where no stop reaches it must not outlast --timeout for ever. To end at once is safe: the target rolls back
// what is open.
[[noreturn]] void end_at_once() {
  const auto error = Error(ErrorKind::stopped, "stopped: the time given with --timeout is over, and something hangs")
                         .safe("every finished chunk is kept with its mark in the ledger")
                         .advise("run the same command again (without --full): it continues where it stopped");
  std::fprintf(stderr, "pghaul: %s\n", error.story().c_str());
  std::_Exit(exit_code(error.kind()));
}

// Also what has no tick of its own, such as connecting, ends in time.
void keep_time(Duration timeout, StopSource& stop, const std::stop_token& done) {
  const auto deadline = Deadline::after(timeout);
  while (!done.stop_requested() && !stop.requested()) {
    if (deadline.expired()) stop.request(StopReason::deadline);
    stop.sleep_for(std::chrono::milliseconds(50));
  }
  if (stop.reason() != StopReason::deadline) return;
  const auto end = Deadline::after(longest_end);
  while (!done.stop_requested() && !end.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (!done.stop_requested()) end_at_once();
}

}  // namespace

CopyReport copy(const PgCopyOptions& options, StopSource& stop, CopyObserver& observer, CopyReport* partial) {
  // Outlives the job, whose end may hang.
  std::jthread timer([&](const std::stop_token& done) { keep_time(options.timeout, stop, done); });
  CopyJob job(options, stop, observer);
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
    job.complete(error);
    job.note_stop(error);
    if (partial != nullptr) *partial = job.report();
    throw;
  }
  return job.report();
}

}  // namespace pghaul
