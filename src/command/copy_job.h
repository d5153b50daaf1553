// A copy, step by step.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "command/commands.h"
#include "command/finish_tables.h"
#include "command/preflight.h"
#include "command/stage_watch.h"
#include "command/table_job.h"
#include "ledger/ledger_session.h"
#include "pipeline/pipeline.h"
#include "source/snapshot_keeper.h"

namespace pghaul {

// One run of `pghaul copy`. Threads: used by one; starts those of the pipeline. A value that lives as long as the run.
class CopyJob {
 public:
  CopyJob(const PgCopyOptions& options, StopSource& stop, CopyObserver& observer);
  ~CopyJob();

  // All of it, in order. Errors: see copy().
  void run();
  // Everything known so far; also after an error.
  CopyReport report() const;
  void complete(Error& error) const { sessions_.complete(error); }
  // Tells the ledger why the run ended, after an error. Never throws.
  void note_stop(const Error& error) noexcept;

 private:
  // Steps of run(), in their order.
  void inspect();
  void claim_tables();
  void choose_actions();
  void choose_action(TableJob& job);
  void accept_files(TableJob& job);
  void copy_rows();
  void pass_over(const std::vector<TableJob*>& jobs);
  void finish_tables();

  // Steps of one pass: settle, take a snapshot, plan, move.
  void settle(const std::vector<TableJob*>& jobs);
  void wait_for_writers(const std::vector<TableJob*>& jobs, Deadline until);
  void wait_for_replay(const std::vector<TableJob*>& jobs, Deadline until);
  void open_snapshot(const std::vector<TableJob*>& jobs);
  std::vector<Chunk> plan_table(TableJob& job);
  void warn_of_pages(const TableJob& job, const Plan& plan);
  void start_generation(TableJob& job, const Plan& plan);
  // Its rows are all there once this pass has taken them.
  bool ends_with_this_pass(const TableJob& job) const;
  void move(const std::vector<TableJob*>& jobs, std::vector<std::vector<Chunk>> chunks);
  void prepare_workers(const std::vector<TableJob*>& jobs);
  void run_pipeline(std::vector<PipelineTable>& tables, const std::optional<Error>& housekeeping_error);
  // With the values that an encoding has not, where that is the error.
  Error explained(const Error& error) const;
  void housekeeping(const std::vector<TableJob*>& jobs, const std::stop_token& done, std::optional<Error>& error);
  void tick();
  // Runs `work` on the control sessions as ControlSessions::use() does.
  bool on_control(const std::function<void()>& work);
  void observe(TableJob& job);

  const PgCopyOptions options_;
  StopSource& stop_;
  CopyObserver& observer_;
  const Deadline::Clock::time_point started_;
  const Deadline deadline_;
  Sessions sessions_;
  RetryPolicy retry_;

  std::unique_ptr<ControlSessions> control_;
  std::unique_ptr<LedgerSession> ledger_session_;
  std::vector<TableJob> jobs_;
  std::vector<Finding> findings_;
  Progress progress_;
  StageWatch stages_;

  // Of the pass at hand; workers borrow them.
  std::vector<SourceTable> source_tables_;
  std::vector<TargetTable> target_tables_;
  std::unique_ptr<SnapshotKeeper> keeper_;
  int snapshots_ = 0;
  std::unique_ptr<TableFinisher> finisher_;  // last: its threads use the rest
};

}  // namespace pghaul
