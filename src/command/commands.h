// The verbs. Each throws Error when it cannot do its work; the cli turns that into messages and exit codes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/stop.h"
#include "command/copy_options.h"
#include "command/report.h"
#include "command/verify_options.h"
#include "command/verify_report.h"
#include "pipeline/progress.h"

namespace pghaul {

// How a running copy is watched. tick() is called several times a second from the thread that called copy().
class CopyObserver {
 public:
  virtual ~CopyObserver() = default;
  // Preflight's findings, before anything is written.
  virtual void findings(const std::vector<Finding>& found) = 0;
  virtual void tick(const PgCopyProgress& progress) = 0;
};

// Stops when `stop` is requested, or by itself at --timeout (which requests it). For programs, and for the command itself,
// it is behind PgCopyJob, which also sees to what hangs.
// Errors: usage, refused (nothing was written), stopped, failed; the report so far comes with `partial`.
CopyReport copy(const PgCopyOptions& options, StopSource& stop, CopyObserver& observer, CopyReport* partial);

// Compares the tables of both sides. Writes nothing anywhere. Stops as copy() does; a report is of a comparison that was
// finished, else there is an error and what is known so far in `partial`.
VerifyReport verify(const VerifyOptions& options, StopSource& stop, CopyObserver& observer, VerifyReport* partial);

// What copy would do. Writes nothing anywhere.
PlanReport plan(const PgCopyOptions& options, StopSource& stop);

struct StatusOptions {
  std::string target;
  std::string ledger_schema = "pghaul";
  Duration connect_timeout{std::chrono::seconds(10)};
};
StatusReport status(const StatusOptions& options, StopSource& stop);

struct DemoOptions {
  std::int64_t rows = 1'000'000;
  std::string program;  // pghaul itself, for the copies that are killed and resumed
  bool keep = false;    // leave the servers' folder for a look
};
// Prints what it does on standard output. Exit code.
int demo(const DemoOptions& options, StopSource& stop);

}  // namespace pghaul
