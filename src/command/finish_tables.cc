#include "command/finish_tables.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "command/reread_rows.h"
#include "ledger/pg_mark.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

constexpr int most_mends = 3;  // of one index whose rows clash

const catalog::Index* find_index(const catalog::TableShape& table, const std::string& name) {
  for (const auto& index : table.indexes) {
    if (index.name == name) return &index;
  }
  return nullptr;
}

Error located(Error error, const TableJob& job, const std::string& what) {
  if (error.kind() == ErrorKind::stopped) return error;
  if (error.object().empty()) error.about(job.name.display());
  if (error.range().empty()) error.in_range(what);
  if (error.what_is_safe().empty()) error.safe("all rows are on the target; indexes finished before are kept");
  if (error.advice().empty()) error.advise("mend the cause and run the same command again: it goes on with the indexes");
  return error;
}

}  // namespace

struct TableFinisher::Work {
  TableJob* job;
  std::vector<catalog::IndexBuild> builds;  // all: what is left of some may be to make them a constraint
  std::atomic<std::size_t> indexes_left{0};
};

TableFinisher::TableFinisher(const Sessions& sessions, const PgCopyOptions& options, const LedgerNames& names,
                             RetryPolicy retry, Deadline deadline, StopSource& stop)
    : sessions_(sessions),
      options_(options),
      names_(names),
      retry_(std::move(retry)),
      deadline_(deadline),
      stop_(stop),
      tasks_(sessions, retry_, stop, early_sessions(options)) {}

void TableFinisher::begin_early(TableJob& job) {
  tasks_.add([this, &job](pg::Connection&) {
    // A target that lost commits has pending chunks again.
    if (job.ledger->pending_chunks().empty()) begin(job);
  });
}

void TableFinisher::begin(TableJob& job) {
  const auto work = std::make_shared<Work>();
  work->job = &job;
  if (const auto facts = job.ledger->generation_facts(); facts && facts->created_target) {
    work->builds = catalog::index_builds(job.source, job.name, options_.columns);
  }
  {
    const std::lock_guard lock(report_mutex_);
    begun_.insert(&job);
  }
  build_all(work);
}

void TableFinisher::build_all(const WorkPtr& work) {
  std::vector<const catalog::IndexBuild*> missing;
  for (const auto& build : work->builds) {
    // Else it was built in an earlier generation or run.
    const auto* built = find_index(*work->job->target, build.name);
    if (built == nullptr) missing.push_back(&build);
  }
  work->indexes_left = missing.size();
  for (const auto* build : missing) {
    tasks_.add([this, work, build](pg::Connection& connection) {
      build_index(connection, *work->job, *build);
      if (--work->indexes_left == 0) complete(connection, *work);
    });
  }
  if (missing.empty()) tasks_.add([this, work](pg::Connection& connection) { complete(connection, *work); });
}

// Constraints come last: turning an index into one locks out the builders of the table's other indexes. Statistics are
// of indexed expressions, too.
void TableFinisher::complete(pg::Connection& connection, Work& work) {
  for (const auto& build : work.builds) {
    const auto* built = find_index(*work.job->target, build.name);
    if (built == nullptr || !built->constraint) make_constraint(connection, *work.job, build);
  }
  if (options_.after_copy != AfterCopy::none) look_after(connection, *work.job, "analyze", "ANALYZE");
}

// What was begun early may be lost since, by a target that lost commits.
bool TableFinisher::is_done(TableJob& job) const {
  return begun_.contains(&job) &&
         std::ranges::all_of(job.steps, [&](const std::string& name) { return job.ledger->step_done(name); });
}

void TableFinisher::finish(const std::vector<TableJob*>& jobs, const std::function<void()>& tick) {
  tasks_.take_over(options_.writers);
  tasks_.wait(tick);
  for (auto* job : jobs) {
    if (!is_done(*job)) begin(*job);
  }
  tasks_.wait(tick);
}

void TableFinisher::vacuum(const std::vector<TableJob*>& jobs, const std::function<void()>& tick) {
  if (options_.after_copy != AfterCopy::vacuum) return;
  for (auto* job : jobs) {
    tasks_.add([this, job](pg::Connection& connection) { look_after(connection, *job, "vacuum", "VACUUM"); });
  }
  tasks_.wait(tick);
}

std::optional<Error> TableFinisher::end() {
  tasks_.end();
  return tasks_.failure();
}

// Again and again while it may pass; steps of the ledger are taken once however often they are tried.
void TableFinisher::try_until_taken(pg::Connection& connection, const TableJob& job, const std::string& what,
                                    const std::function<void()>& work) {
  try_until_done(retry_, &stop_, [&](RetryState& retry) {
    try {
      if (!connection.usable()) connection = pg::Connection(sessions_.target(), sessions_.builder_session(1));
      retry.connected();
      work();
    } catch (const Error& error) {
      throw located(error, job, what);
    }
  });
}

void TableFinisher::step(pg::Connection& connection, TableJob& job, const std::string& name,
                         const std::vector<std::string>& statements) {
  run_step_once(connection, names_, job.ledger->owner_mark(), name, statements, deadline_);
  const std::lock_guard lock(report_mutex_);
  if (std::ranges::find(job.steps, name) == job.steps.end()) job.steps.push_back(name);
}

void TableFinisher::build_index(pg::Connection& connection, TableJob& job, const catalog::IndexBuild& build) {
  const auto name = "index " + build.name;
  if (job.ledger->step_done(name)) return;
  const auto create = [&] {
    failpoint(fp::index_before_build);
    step(connection, job, name, {build.statements.front()});
    failpoint(fp::index_built);
  };
  for (int mends = 0;; ++mends) {
    try {
      try_until_taken(connection, job, name, create);
      break;
    } catch (const Error& error) {
      if (error.sqlstate() != sqlstate::unique_violation || mends == most_mends) throw;
      log_warning("{}; trying again", error.headline());
      if (!mend_duplicates(connection, job, build)) throw;
    }
  }
  const auto created = fmt::format("{} {}", build.primary ? "primary key" : "index", build.name);
  const std::lock_guard lock(report_mutex_);
  auto& told = job.report.created;
  if (std::ranges::find(told, created) == told.end()) told.push_back(created);
}

void TableFinisher::make_constraint(pg::Connection& connection, TableJob& job, const catalog::IndexBuild& build) {
  if (build.statements.size() < 2) return;
  const std::vector<std::string> rest(build.statements.begin() + 1, build.statements.end());
  const auto name = "constraint " + build.name;
  try_until_taken(connection, job, name, [&] {
    failpoint(fp::constraint_before_make);
    step(connection, job, name, rest);
    failpoint(fp::constraint_made);
  });
}

// With several snapshots a row may have been read twice under different keys. False: there is nothing to mend by.
bool TableFinisher::mend_duplicates(pg::Connection& connection, TableJob& job, const catalog::IndexBuild& build) {
  if (!job.key && !job.ordered_key) return false;
  const auto reread = reread_clashing_rows(sessions_, options_, names_, job, build, connection, deadline_);
  if (reread == 0) return false;
  log_warning("{}: {} rows with clashing keys were read again from the source", job.name.display(), reread);
  const std::lock_guard lock(report_mutex_);
  job.report.remarks.push_back(
      fmt::format("{} rows that clashed in index {} were read again from the source", reread, build.name));
  return true;
}

// Once a generation.
void TableFinisher::look_after(pg::Connection& connection, TableJob& job, const std::string& step_name,
                               const std::string& command) {
  if (job.ledger->step_done(step_name)) return;
  try_until_taken(connection, job, command, [&] {
    // VACUUM marks no page all-visible whose rows were committed without waiting, until their WAL is on the disk.
    step(connection, job, "rows", {"SET LOCAL synchronous_commit = on"});
    failpoint(fp::before_vacuum);
    connection.run(command + " " + job.name.sql(), deadline_);
    failpoint(fp::vacuumed);
    step(connection, job, step_name, {});
  });
}

}  // namespace pghaul
