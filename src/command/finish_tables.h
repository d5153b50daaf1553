// What comes after the rows: indexes, constraints, ANALYZE, VACUUM.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "catalog/target_ddl.h"
#include "command/copy_options.h"
#include "command/sessions.h"
#include "command/table_job.h"
#include "command/target_tasks.h"

namespace pghaul {

// Builds the indexes of tables that pghaul created, several at a time, and sees to statistics; each is a step of the
// ledger that is done once. A table can be begun while others are still copied.
// Threads: begin_early() is for any, the rest for one; starts threads of its own. Borrows everything.
class TableFinisher {
 public:
  TableFinisher(const Sessions& sessions, const PgCopyOptions& options, const LedgerNames& names, RetryPolicy retry,
                Deadline deadline, StopSource& stop);

  // At work at a time while rows of other tables are on their way.
  static int early_sessions(const PgCopyOptions& options) { return std::max(1, options.writers / 2); }
  // The pipeline has no chunk of this table any more: its indexes are built beside the copy of other tables. Nothing happens
  // where the ledger knows chunks that are left. Does not wait.
  void begin_early(TableJob& job);
  // All that is left to do for these tables, whose rows are all there, but VACUUM. `tick` is called several times a second.
  // Errors: those of the target; a duplicate key that re-reading the rows does not mend.
  void finish(const std::vector<TableJob*>& jobs, const std::function<void()>& tick);
  // As --after-copy says. At the very end: a transaction that is older than a table's last rows, be it one that builds
  // another table's index, keeps VACUUM from marking their pages all-visible.
  void vacuum(const std::vector<TableJob*>& jobs, const std::function<void()>& tick);
  // After an error: nothing goes on any more. The error of what was begun early, if there was one.
  std::optional<Error> end();

 private:
  // One table on its way. Shared by its tasks; the last of its indexes leads on.
  struct Work;
  using WorkPtr = std::shared_ptr<Work>;

  void begin(TableJob& job);
  void build_all(const WorkPtr& work);
  void complete(pg::Connection& connection, Work& work);
  bool is_done(TableJob& job) const;
  void build_index(pg::Connection& connection, TableJob& job, const catalog::IndexBuild& build);
  void make_constraint(pg::Connection& connection, TableJob& job, const catalog::IndexBuild& build);
  void look_after(pg::Connection& connection, TableJob& job, const std::string& step_name, const std::string& command);
  void try_until_taken(pg::Connection& connection, const TableJob& job, const std::string& what,
                       const std::function<void()>& work);
  void step(pg::Connection& connection, TableJob& job, const std::string& name,
            const std::vector<std::string>& statements);
  bool mend_duplicates(pg::Connection& connection, TableJob& job, const catalog::IndexBuild& build);

  const Sessions& sessions_;
  const PgCopyOptions& options_;
  const LedgerNames& names_;
  const RetryPolicy retry_;
  const Deadline deadline_;
  StopSource& stop_;
  std::mutex report_mutex_;    // tasks of several threads tell one table's job what they did
  std::set<TableJob*> begun_;  // guarded by report_mutex_
  TargetTasks tasks_;          // last: its threads use the rest
};

}  // namespace pghaul
