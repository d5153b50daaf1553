// Sees to it that a command ends in time.
#pragma once

#include <string>
#include <thread>

#include "base/duration.h"
#include "base/stop.h"

namespace pghaul {

// Requests a stop once the time is over. Make it before what may hang: it has to be destroyed later. Threads: has one of
// its own.
class JobTimer {
 public:
  JobTimer(Duration timeout, StopSource& stop);
  // What hangs where no stop reaches it must not outlast the time for ever: a while later the program is ended at once,
  // with what is `safe` and the `advice`.
  JobTimer(Duration timeout, StopSource& stop, std::string safe, std::string advice);

 private:
  void keep_time(Duration timeout, const std::stop_token& done);
  [[noreturn]] void end_at_once() const;

  StopSource& stop_;
  const bool ends_program_;
  const std::string safe_, advice_;
  std::jthread thread_;
};

}  // namespace pghaul
