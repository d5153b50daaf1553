// Signals that ask the program to stop.
#pragma once

#include "base/stop.h"

namespace pghaul {

// From construction on, SIGINT, SIGTERM and SIGHUP request a stop of `stop`; a second one ends the program at once with
// exit code 4, which is safe: the target rolls back what was open, and the same command continues. SIGPIPE is ignored,
// as is SIGHUP if it was before (nohup). One per process. Threads: before any is started.
class StopSignals {
 public:
  explicit StopSignals(StopSource& stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace pghaul
