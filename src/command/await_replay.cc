// The part of settling that a standby as source needs: what its primary did must have come to it.
#include <fmt/format.h>

#include "base/log.h"
#include "command/copy_job.h"
#include "source/standby.h"

namespace pghaul {
namespace {

Error not_replayed(const TableJob& job) {
  return Error(ErrorKind::failed,
               "the standby did not replay within --late-wait what its primary had written")
      .on(Side::source)
      .about(job.name.display())
      .safe("all finished chunks are kept")
      .advise("raise --late-wait, or see why the standby lags behind; then run the same command again");
}

}  // namespace

// Of those who were waited for, all rows are on the standby once it has replayed what the primary wrote until
// then. Where no primary is asked, at least no session of this run may see less than the first one did.
void CopyJob::wait_for_replay(const std::vector<TableJob*>& jobs, Deadline until) {
  const bool only_standby = !control_->primary;
  std::string end;
  on_control([&] { end = wal_position(control_->writers_server(), only_standby, control_->deadline()); });
  bool replayed = only_standby;
  const auto look = [&] { replayed = has_replayed(control_->source, end, control_->deadline()); };
  for (;;) {
    if (!replayed) on_control(look);
    if (replayed) return sessions_.expect_replayed(end);
    if (until.expired()) break;
    tick();
    if (!stop_.sleep_for(std::chrono::milliseconds(100))) stop_.throw_if_requested();
  }
  for (auto* job : jobs) {
    if (job->action == TableAction::resume && job->key) throw not_replayed(*job);
    if (!job->settled) continue;
    job->settled = false;
    job->unsettled =
        "late rows are undecided: the standby did not replay within --late-wait what its primary wrote";
    log_warning("{}: {}; the next run looks for them", job->name.display(), job->unsettled);
  }
}

}  // namespace pghaul
