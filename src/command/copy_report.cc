// What a copy tells in the end, finished or not.
#include <fmt/format.h>

#include "base/duration.h"
#include "command/copy_job.h"

namespace pghaul {
namespace {

void add_totals(TableReport& report, PgLedger& ledger) {
  const auto totals = ledger.totals();
  report.generation = ledger.generation();
  report.rows_total = totals.rows_done;
  report.bytes_total = totals.bytes_done;
  report.chunks_total = totals.chunks_done;
  report.chunks_left = totals.chunks_pending;
}

std::string of_what_age(const PgCopyOptions& options) {
  if (!options.max_snapshot_age) return "";
  return fmt::format(", none held longer than {}", format_duration(*options.max_snapshot_age));
}

std::string points_in_time(const PgCopyOptions& options, int snapshots, bool resumed) {
  if (options.snapshot == SnapshotMode::chunk) return "several points in time: a snapshot for each chunk";
  if (resumed) {
    return fmt::format("several points in time: this run took {} {}{}, earlier ones others", snapshots,
                       snapshots == 1 ? "snapshot" : "snapshots", of_what_age(options));
  }
  if (snapshots <= 1) return "one point in time";
  return fmt::format("several points in time: {} snapshots{}", snapshots, of_what_age(options));
}

}  // namespace

CopyReport CopyJob::report() const {
  CopyReport report;
  report.findings = findings_;
  report.time = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started_);
  bool resumed = false;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const auto& progress = progress_.tables[i];
    auto table = jobs_[i].report;
    table.rows = progress.rows;
    table.bytes = progress.bytes;
    table.chunks = progress.chunks;
    table.retries = progress.retries;
    table.late_rows = progress.late_rows;
    if (table.state.empty()) table.state = stop_.reason() == StopReason::paused ? "paused" : "interrupted";
    if (!jobs_[i].action_reason.empty()) table.remarks.push_back(jobs_[i].action_reason);
    try {
      if (jobs_[i].ledger) add_totals(table, *jobs_[i].ledger);
    } catch (const Error&) {
      table.remarks.push_back("the ledger could not be asked for totals; pghaul status shows them");
    }
    resumed = resumed || table.resumed;
    report.tables.push_back(std::move(table));
  }
  report.snapshots = snapshots_ + (keeper_ ? keeper_->snapshots_taken() : 0);
  report.snapshot_text = points_in_time(options_, report.snapshots, resumed);
  report.stages = stages_.report();
  report.limit = stages_.limit();
  return report;
}

}  // namespace pghaul
