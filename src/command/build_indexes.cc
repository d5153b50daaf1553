#include "command/build_indexes.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "command/reread_rows.h"
#include "ledger/pg_mark.h"
#include "pg/quote.h"
#include "pg/sqlstate.h"

namespace pghaul {
namespace {

constexpr int most_mends = 3;  // of one index whose rows clash

std::mutex report_mutex;  // builders of several threads tell one table's job what they did

void report_created(TableJob& job, const catalog::IndexBuild& build) {
  const std::lock_guard lock(report_mutex);
  job.report.created.push_back(fmt::format("{} {}", build.primary ? "primary key" : "index", build.name));
}

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

IndexBuilder::IndexBuilder(const Sessions& sessions, const PgCopyOptions& options, const LedgerNames& names,
                           RetryPolicy retry, Deadline deadline, StopSource& stop, std::function<void()> tick)
    : sessions_(sessions),
      options_(options),
      names_(names),
      retry_(retry),
      deadline_(deadline),
      stop_(stop),
      tick_(std::move(tick)) {}

void IndexBuilder::add(TableJob& job) {
  jobs_.push_back(&job);
  const auto facts = job.ledger->generation_facts();
  if (!facts || !facts->created_target) return;
  for (auto& build : catalog::index_builds(job.source, job.name, options_.columns)) {
    // Built in an earlier generation or run: what may be left is to make it a constraint.
    if (const auto* built = find_index(*job.target, build.name)) {
      if (!built->constraint) tasks_.push_back({&job, std::move(build), true});
      continue;
    }
    tasks_.push_back({&job, std::move(build), false});
  }
}

void IndexBuilder::build() {
  std::vector<std::function<void(pg::Connection&)>> tasks;
  for (const auto& task : tasks_) {
    if (task.built) continue;
    tasks.push_back([this, &task](pg::Connection& connection) { build_index(connection, task); });
  }
  run_all(tasks);
  // Constraints come last: turning an index into one locks out the builders of the table's other indexes.
  tasks.clear();
  for (auto* job : jobs_) {
    tasks.push_back([this, job](pg::Connection& connection) {
      for (const auto& task : tasks_) {
        if (task.job == job) make_constraint(connection, task);
      }
    });
  }
  run_all(tasks);
}

// Runs tasks on as many sessions as there are writers; the first error stops all.
void IndexBuilder::run_all(const std::vector<std::function<void(pg::Connection&)>>& tasks) {
  std::atomic<std::size_t> next{0};
  std::atomic<int> running{0};
  std::optional<Error> first_error;
  std::mutex error_mutex;
  std::vector<std::jthread> threads;
  const auto builders = std::min<std::size_t>(tasks.size(), static_cast<std::size_t>(options_.writers));
  for (std::size_t i = 0; i < builders; ++i) {
    ++running;
    threads.emplace_back([&, number = static_cast<int>(i) + 1, log = LogScope::of_this_thread()] {
      const LogScope scope(log);
      try {
        auto connection = connect(number);
        for (auto task = next++; task < tasks.size(); task = next++) tasks[task](connection);
      } catch (const Error& error) {
        const std::lock_guard lock(error_mutex);
        if (!first_error || first_error->kind() == ErrorKind::stopped) first_error = error;
        stop_.request(StopReason::failed);
      }
      --running;
    });
  }
  while (running > 0) {
    tick_();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  threads.clear();
  if (first_error) throw *first_error;
}

pg::Connection IndexBuilder::open_session(int number) const {
  return pg::Connection(sessions_.target(), sessions_.builder_session(number));
}

// A lost server is waited for as long as --reconnect-timeout says.
pg::Connection IndexBuilder::connect(int number) {
  std::optional<pg::Connection> connection;
  try_until_done(retry_, &stop_, [&](RetryState&) { connection.emplace(open_session(number)); });
  return std::move(*connection);
}

// Again and again while it may pass; steps of the ledger are taken once however often they are tried.
void IndexBuilder::try_until_taken(pg::Connection& connection, const TableJob& job, const std::string& what,
                                   const std::function<void()>& work) {
  try_until_done(retry_, &stop_, [&](RetryState& retry) {
    try {
      if (!connection.usable()) connection = open_session(1);
      retry.connected();
      work();
    } catch (const Error& error) {
      throw located(error, job, what);
    }
  });
}

void IndexBuilder::step(pg::Connection& connection, TableJob& job, const std::string& name,
                        const std::vector<std::string>& statements) {
  run_step_once(connection, names_, job.ledger->owner_mark(), name, statements, deadline_);
  const std::lock_guard lock(report_mutex);
  job.steps.push_back(name);
}

void IndexBuilder::build_index(pg::Connection& connection, const Task& task) {
  const auto name = "index " + task.build.name;
  if (task.job->ledger->step_done(name)) return;
  const auto create = [&] {
    failpoint(fp::index_before_build);
    step(connection, *task.job, name, {task.build.statements.front()});
    failpoint(fp::index_built);
  };
  for (int mends = 0;; ++mends) {
    try {
      try_until_taken(connection, *task.job, name, create);
      break;
    } catch (const Error& error) {
      if (error.sqlstate() != pg::sqlstate::unique_violation || mends == most_mends) throw;
      log_warning("{}; trying again", error.headline());
      if (!mend_duplicates(connection, task)) throw;
    }
  }
  report_created(*task.job, task.build);
}

void IndexBuilder::make_constraint(pg::Connection& connection, const Task& task) {
  if (task.build.statements.size() < 2) return;
  const std::vector<std::string> rest(task.build.statements.begin() + 1, task.build.statements.end());
  const auto name = "constraint " + task.build.name;
  try_until_taken(connection, *task.job, name, [&] {
    failpoint(fp::constraint_before_make);
    step(connection, *task.job, name, rest);
    failpoint(fp::constraint_made);
  });
}

// With several snapshots a row may have been read twice under different keys. False: there is nothing to mend by.
bool IndexBuilder::mend_duplicates(pg::Connection& connection, const Task& task) {
  if (!task.job->key && !task.job->ordered_key) return false;
  const auto reread = reread_clashing_rows(sessions_, options_, names_, *task.job, task.build, connection, deadline_);
  if (reread == 0) return false;
  log_warning("{}: {} rows with clashing keys were read again from the source", task.job->name.display(), reread);
  const std::lock_guard lock(report_mutex);
  task.job->report.remarks.push_back(fmt::format(
      "{} rows that clashed in index {} were read again from the source", reread, task.build.name));
  return true;
}

void IndexBuilder::vacuum() {
  if (options_.after_copy == AfterCopy::none) return;
  const bool analyze = options_.after_copy == AfterCopy::analyze;
  const std::string name = analyze ? "analyze" : "vacuum", command = analyze ? "ANALYZE" : "VACUUM (ANALYZE)";
  std::vector<std::function<void(pg::Connection&)>> tasks;
  for (auto* job : jobs_) {
    if (job->ledger->step_done(name)) continue;
    tasks.push_back([this, job, name, command](pg::Connection& connection) {
      try_until_taken(connection, *job, command, [&] {
        // VACUUM marks no page all-visible whose rows were committed without waiting, until their WAL is on the disk.
        step(connection, *job, "rows", {"SET LOCAL synchronous_commit = on"});
        failpoint(fp::before_vacuum);
        connection.run(command + " " + job->name.sql(), deadline_);
        failpoint(fp::vacuumed);
        step(connection, *job, name, {});
      });
    });
  }
  run_all(tasks);
}

}  // namespace pghaul
