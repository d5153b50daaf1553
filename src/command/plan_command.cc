// What a copy would do. Writes nothing.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/sqlstate.h"
#include "catalog/target_ddl.h"
#include "command/commands.h"
#include "command/finish_tables.h"
#include "command/preflight.h"
#include "command/preflight_checks.h"
#include "command/run_policy.h"
#include "command/table_facts.h"
#include "ledger/ledger_reader.h"
#include "pg/copy.h"
#include "pg/statement_deadline.h"

namespace pghaul {
namespace {

constexpr Duration sample_time = std::chrono::seconds(2);
constexpr std::int64_t sample_bytes = 64'000'000;

PlannedTable::Range planned_range(const Chunk& chunk, const std::string& key) {
  return {describe(chunk.range, key), chunk.estimated_bytes, !chunk.refined && chunk.range.kind == ChunkKind::key,
          chunk.tail, chunk.range.member ? chunk.range.member->name : std::string()};
}

// As CopyJob will choose it, as far as that can be known without becoming the owner.
TableAction likely_action(const TableJob& job, const PgCopyOptions& options) {
  if (!job.entry || job.entry->generation == 0) return TableAction::first_copy;
  if (options.full) return TableAction::new_generation;
  if (!job.entry->last_round) return TableAction::first_copy;
  if (!job.entry->complete) {
    return job.entry->facts.strategy == "ctid" && job.entry->totals.chunks_pending > 0 ? TableAction::new_generation
                                                                                       : TableAction::resume;
  }
  return job.key || job.entry->facts.strategy == "whole" ? TableAction::gain : TableAction::nothing;
}

std::string action_text(TableAction action, const TableJob& job, const PgCopyOptions& options) {
  switch (action) {
    case TableAction::first_copy: return "copy";
    case TableAction::new_generation:
      return options.full ? "copy anew (--full)" : "copy anew: pages are valid only inside the snapshot that is gone";
    case TableAction::resume:
      return fmt::format("continue: {} of {} chunks left, then what the source has gained",
                         job.entry->totals.chunks_pending,
                         job.entry->totals.chunks_pending + job.entry->totals.chunks_done);
    case TableAction::gain: return "take what the source has gained";
    case TableAction::nothing: break;
  }
  return "nothing to do: " + nothing_newer(job);
}

// Chunks that the ledger has, or those that would be planned now.
Plan likely_plan(ControlSessions& control, const PgCopyOptions& options, TableAction action, const TableJob& job) {
  Plan plan;
  if (action == TableAction::resume) {
    plan.reason = job.entry->last_round->reason;
    plan.rows_per_batch = rows_per_batch(job.facts.bytes, job.facts.rows, options.plan);
    plan.chunks = read_pending_chunks(control.target, control.ledger_names, job.entry->table_copy,
                                      job.entry->generation, std::nullopt, control.deadline());
  } else if (action != TableAction::nothing) {
    plan = plan_round(job, options, action == TableAction::gain ? job.entry->last_round : std::nullopt);
  }
  return plan;
}

// Reads the table's first rows for a short while and throws them away: nothing but the source's speed is measured. On a
// session of its own, as one that is stopped in the middle of its rows may be of no use afterwards.
void measure(const Sessions& sessions, const PgCopyOptions& options, const TableJob& job, PlanReport& report) {
  const SourceTable table = job.source_table(options.where_sql);
  std::int64_t bytes = 0;
  // The server keeps the time, too: a condition that lets no row pass would keep us waiting for the first one.
  const auto longest = std::min<Duration>(sample_time, options.statement_timeout);
  const auto deadline = [&] { return pg::statement_deadline(options.statement_timeout); };
  pg::Connection session(sessions.source(), sessions.source_session("sample"));
  session.run(fmt::format("SET statement_timeout = {}", longest.count()), deadline());
  const auto started = Deadline::Clock::now();
  try {
    pg::CopyOut copy(session, copy_out_sql(table, {ChunkKind::whole, {}, {}, {}}), deadline());
    std::string_view frame;
    while (bytes < sample_bytes && Deadline::Clock::now() - started < sample_time && copy.next(frame)) {
      bytes += static_cast<std::int64_t>(frame.size());
    }
  } catch (const Error& error) {
    if (error.sqlstate() != sqlstate::query_canceled) throw;
  }
  report.sample_bytes += bytes;
  report.sample_time += std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started);
}

void estimate_time(PlanReport& report, const PgCopyOptions& options) {
  std::int64_t bytes = 0;
  for (const auto& table : report.tables) {
    for (const auto& chunk : table.chunks) bytes += chunk.estimated_bytes;
  }
  if (report.sample_bytes == 0 || report.sample_time.count() == 0) return;
  const double rate = static_cast<double>(report.sample_bytes) / static_cast<double>(report.sample_time.count());
  double milliseconds = static_cast<double>(bytes) / (rate * options.readers);
  if (options.max_rate) {
    milliseconds = std::max(milliseconds, static_cast<double>(bytes) / static_cast<double>(*options.max_rate) * 1000);
  }
  report.eta = std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
}

PlannedTable plan_table(ControlSessions& control, const PgCopyOptions& options, TableJob& job,
                        std::vector<Finding>& findings) {
  PlannedTable planned;
  planned.source_table = planned.target_table = job.name.display();
  const auto action = likely_action(job, options);
  planned.action = action_text(action, job, options);
  planned.record_format = job.binary ? "binary" : "text";
  planned.why_text = job.why_text;
  planned.key_column = job.key_name();
  read_table_facts(control.source, options, job, control.deadline());
  job.observation = observe_writers(control.writers_server(), job.source, job.key, !control.shows_writers(),
                                    control.deadline());
  for (const auto& caution : job.observation.cautions) {
    findings.push_back({Finding::Severity::warning, job.name.display(), caution, ""});
  }
  const auto plan = likely_plan(control, options, action, job);
  planned.reason = plan.reason;
  planned.rows_per_batch = plan.rows_per_batch;
  planned.high_water = job.observation.high_water;
  planned.estimated_rows = static_cast<std::int64_t>(job.facts.rows);
  planned.estimated_bytes = job.facts.bytes;
  for (const auto& chunk : plan.chunks) planned.chunks.push_back(planned_range(chunk, job.key_name()));
  if (!job.target) {
    for (const auto& build : catalog::index_builds(job.source, job.name, options.columns)) {
      planned.indexes.push_back(build.name);
    }
  }
  return planned;
}

}  // namespace

PlanReport plan(const PgCopyOptions& options, StopSource& stop) {
  Sessions sessions(options, stop);
  std::unique_ptr<ControlSessions> opened;
  std::vector<TableJob> jobs;
  PlanReport report;
  try {
    before_any_write([&] {
      report.findings.clear();
      opened = std::make_unique<ControlSessions>(sessions, options);
      jobs = inspect_tables(*opened, options, report.findings);
    });
  } catch (Error& error) {
    sessions.complete(error);
    throw;
  }
  auto& control = *opened;
  for (auto& job : jobs) {
    if (job.source.oid == 0) continue;  // its finding says why
    try {
      report.tables.push_back(plan_table(control, options, job, report.findings));
      measure(sessions, options, job, report);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::stopped) throw;
      report.findings.push_back({Finding::Severity::error, job.name.display(), error.headline(), error.advice()});
    }
  }
  estimate_time(report, options);
  const int anchors = options.snapshot == SnapshotMode::shared ? 2 : 0;
  report.source_connections = most_readers(options) + anchors + 1;
  report.primary_connections = control.primary ? 1 : 0;
  report.target_connections = most_writers(options) + 2 + (jobs.size() > 1 ? TableFinisher::early_sessions(options) : 0);
  return report;
}

}  // namespace pghaul
