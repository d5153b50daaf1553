// What comes after the rows: indexes, constraints, VACUUM.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "catalog/target_ddl.h"
#include "command/copy_options.h"
#include "command/sessions.h"
#include "command/table_job.h"

namespace pghaul {

// Builds the indexes of tables that pghaul created, several at a time, each as a step of the ledger that is done once.
// Threads: used by one; starts as many builders as there are writers. Borrows everything.
class IndexBuilder {
 public:
  IndexBuilder(const Sessions& sessions, const PgCopyOptions& options, const LedgerNames& names, RetryPolicy retry,
               Deadline deadline, StopSource& stop, std::function<void()> tick);

  void add(TableJob& job);
  // Errors: those of the target; a duplicate key that re-reading the rows does not mend.
  void build();
  // As --after-copy says, once a generation.
  void vacuum();

 private:
  struct Task {
    TableJob* job;
    catalog::IndexBuild build;
    bool built;
  };
  void run_all(const std::vector<std::function<void(pg::Connection&)>>& tasks);
  void build_index(pg::Connection& connection, const Task& task);
  void make_constraint(pg::Connection& connection, const Task& task);
  pg::Connection open_session(int number) const;
  pg::Connection connect(int number);
  void try_until_taken(pg::Connection& connection, const TableJob& job, const std::string& what,
                       const std::function<void()>& work);
  void step(pg::Connection& connection, TableJob& job, const std::string& name,
            const std::vector<std::string>& statements);
  bool mend_duplicates(pg::Connection& connection, const Task& task);

  const Sessions& sessions_;
  const PgCopyOptions& options_;
  const LedgerNames& names_;
  const RetryPolicy retry_;
  const Deadline deadline_;
  StopSource& stop_;
  const std::function<void()> tick_;
  std::vector<TableJob*> jobs_;
  std::vector<Task> tasks_;
};

}  // namespace pghaul
