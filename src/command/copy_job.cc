#include "command/copy_job.h"

#include <algorithm>

#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "catalog/target_ddl.h"
#include "command/preflight_checks.h"
#include "command/run_policy.h"
#include "command/table_facts.h"
#include "ledger/pg_mark.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

OwnerInfo this_process() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return {host, ::getpid()};
}

// Held to a rate, a batch must still be read well within the statement timeout, and within what a snapshot may last.
PgCopyOptions with_fitting_batches(PgCopyOptions options) {
  constexpr std::int64_t smallest_batch = 64'000;
  if (!options.max_rate) return options;
  const auto time = std::min(options.statement_timeout, options.max_snapshot_age.value_or(options.statement_timeout));
  const auto per_timeout = *options.max_rate * time.count() / 1000;
  options.plan.batch_bytes =
      std::min(options.plan.batch_bytes, std::max(smallest_batch, per_timeout / (4 * most_readers(options))));
  return options;
}

bool has_work(const TableJob& job) { return job.action != TableAction::nothing; }

}  // namespace

CopyJob::CopyJob(const PgCopyOptions& options, StopSource& stop, CopyObserver& observer)
    : options_(with_fitting_batches(options)),
      stop_(stop),
      observer_(observer),
      started_(Deadline::Clock::now()),
      deadline_(Deadline::after(options.timeout)),
      sessions_(options_, stop),
      retry_(retry_policy(options)),
      stages_(options.stats) {
  sessions_.set_losses(retry_.losses);
}

CopyJob::~CopyJob() {
  finisher_.reset();
  if (keeper_) keeper_->release();
  if (ledger_session_) ledger_session_->release_locks();
}

void CopyJob::run() {
  inspect();
  observer_.findings(warnings_of(findings_));
  refuse_if_any(findings_);
  // From here on the target is written to: the ledger, then the table, then rows.
  claim_tables();
  choose_actions();
  finisher_ = std::make_unique<TableFinisher>(sessions_, options_, control_->ledger_names, retry_, deadline_, stop_);
  try {
    copy_rows();
    finish_tables();
  } catch (const Error& error) {
    // What stopped the job may be an index that was built meanwhile.
    const auto cause = finisher_->end();
    if (error.kind() == ErrorKind::stopped && cause) throw *cause;
    throw;
  }
  progress_.phase = Phase::finished;
  tick();
}

void CopyJob::copy_rows() {
  std::vector<TableJob*> active, resumed;
  for (auto& job : jobs_) {
    if (has_work(job)) active.push_back(&job);
    if (job.action == TableAction::resume) resumed.push_back(&job);
  }
  pass_over(active);
  // What was left is done; now comes what the source has gained since it was planned.
  std::erase_if(resumed, [](const TableJob* job) { return !job->key; });
  for (auto* job : resumed) job->action = TableAction::gain;
  if (!resumed.empty()) {
    control_->revive(sessions_, retry_, stop_);
    pass_over(resumed);
  }
}

void CopyJob::inspect() {
  before_any_write([this] {
    findings_.clear();
    control_ = std::make_unique<ControlSessions>(sessions_, options_);
    jobs_ = inspect_tables(*control_, options_, findings_);
  });
  for (const auto& job : jobs_) progress_.tables.emplace_back().name = job.name.display();
}

void CopyJob::claim_tables() {
  on_control([this] { create_ledger(control_->target, control_->ledger_names, control_->deadline()); });
  try_until_done(retry_, &stop_, [this](RetryState&) {
    ledger_session_ = std::make_unique<LedgerSession>(sessions_.target(), sessions_.target_session("ledger"),
                                                      control_->ledger_names, retry_, options_.statement_timeout);
  });
  for (auto& job : jobs_) {
    job.ledger = claim_table_copy(*ledger_session_, identity_of(job, options_, control_->servers), this_process(),
                                  options_.take_over);
    if (!job.target) continue;
    const auto oid = static_cast<std::int32_t>(job.target->oid);
    const auto lock_class = control_->ledger_names.target_lock_class();
    if (ledger_session_->hold_lock(lock_class, oid, LedgerSession::moment)) continue;
    throw Error(ErrorKind::refused, "another table copy is writing into this table right now")
        .on(Side::target)
        .about(job.name.display())
        .safe("nothing was written")
        .advise("wait for it; pghaul status names it");
  }
}

void CopyJob::choose_actions() {
  for (auto& job : jobs_) choose_action(job);
}

void CopyJob::choose_action(TableJob& job) {
  if (job.ledger->generation() == 0) return;
  if (options_.full) {
    job.action = TableAction::new_generation;
    return;
  }
  if (!job.ledger->last_round()) return;  // died between the empty target and the plan
  const auto pending = job.ledger->pending_chunks();
  const bool pages = std::any_of(pending.begin(), pending.end(),
                                 [](const Chunk& chunk) { return chunk.range.kind == ChunkKind::ctid; });
  if (pages) {
    job.action = TableAction::new_generation;
    job.action_reason = "pages are valid only inside the snapshot that is gone: a new generation begins";
  } else if (!pending.empty() || !job.ledger->is_complete()) {
    job.action = TableAction::resume;
  } else if (job.key || job.ledger->generation_facts()->strategy == "whole") {
    job.action = TableAction::gain;
  } else {
    job.action = TableAction::nothing;
    job.report.remarks.push_back(nothing_newer(job) + "; --full copies it anew");
  }
  job.report.resumed = job.action == TableAction::resume;
  if (options_.allowed.rewritten) accept_files(job);
  if (options_.allowed.failover) job.ledger->accept_timeline(control_->servers.source.timeline);
}

void CopyJob::accept_files(TableJob& job) {
  job.ledger->accept_filenode(job.source.filenode);
  if (!job.entry) return;
  for (const auto& known : job.entry->members) {
    const auto* member = job.source.member(known.oid);
    if (member == nullptr || member->filenode == known.filenode) continue;
    job.ledger->accept_member_filenode({known.oid, known.name, member->filenode});
  }
}

void CopyJob::pass_over(const std::vector<TableJob*>& jobs) {
  if (jobs.empty()) return;
  settle(jobs);
  open_snapshot(jobs);
  std::vector<std::vector<Chunk>> chunks;
  for (auto* job : jobs) chunks.push_back(plan_table(*job));
  prepare_workers(jobs);
  progress_.phase = Phase::copying;
  move(jobs, std::move(chunks));
  // Nothing is read from the source now but facts, and keys that clash.
  if (keeper_) keeper_->release();
}

void CopyJob::settle(const std::vector<TableJob*>& jobs) {
  for (auto* job : jobs) {
    if (job->action == TableAction::resume) continue;
    observe(*job);
    job->settled = options_.late_rows != LateRows::ignore && job->observation.decidable;
    job->unsettled = job->observation.decidable ? "late rows were not waited for (--late-rows ignore)"
                                                : "late rows are undecided: the source is a standby";
    for (const auto& caution : job->observation.cautions) {
      if (job->action == TableAction::gain && job->report.resumed) continue;  // told already
      findings_.push_back({Finding::Severity::warning, job->name.display(), caution, ""});
      log_warning("{}: {}", job->name.display(), caution);
    }
  }
  const auto until = Deadline::after(options_.late_wait);
  if (options_.late_rows != LateRows::ignore) wait_for_writers(jobs, until);
  if (control_->servers.source.in_recovery) wait_for_replay(jobs, until);
}

bool CopyJob::on_control(const std::function<void()>& work) {
  return control_->use(sessions_, retry_, stop_, work);
}

void CopyJob::observe(TableJob& job) {
  on_control([&] {
    job.observation = observe_writers(control_->writers_server(), job.source, job.key, !control_->shows_writers(),
                                      control_->deadline());
    // A standby that lags behind also lacks rows whose transactions have ended.
    if (control_->primary) job.observation.oldest_xid = oldest_running_xid(control_->source, control_->deadline());
  });
}

void CopyJob::wait_for_writers(const std::vector<TableJob*>& jobs, Deadline until) {
  progress_.phase = Phase::waiting_for_late_rows;
  for (auto* job : jobs) {
    if (job->action == TableAction::resume || !job->settled || !job->key) continue;
    for (;;) {
      const bool lost = on_control([&] {
        job->observation.writers =
            writers_left(control_->writers_server(), job->source, job->observation, control_->deadline());
      });
      if (lost) observe(*job);  // after a restart prepared transactions have other names
      if (job->observation.writers.empty()) break;
      if (until.expired()) {
        job->settled = false;
        job->unsettled = fmt::format("late rows are undecided: {} transaction(s) outlast --late-wait",
                                     job->observation.writers.size());
        log_warning("{}: {}; the next run looks for their rows", job->name.display(), job->unsettled);
        break;
      }
      tick();
      if (!stop_.sleep_for(std::chrono::milliseconds(100))) stop_.throw_if_requested();
    }
  }
}

void CopyJob::open_snapshot(const std::vector<TableJob*>& jobs) {
  source_tables_.clear();
  for (auto* job : jobs) {
    source_tables_.push_back(job->source_table(options_.where_sql));
  }
  if (options_.snapshot == SnapshotMode::chunk) return;
  if (keeper_) snapshots_ += keeper_->snapshots_taken();
  keeper_ = std::make_unique<SnapshotKeeper>(sessions_.source(), sessions_.source_session("snapshot"),
                                             SnapshotKeeper::Options{2, options_.require_one_snapshot, options_.max_snapshot_age},
                                             options_.statement_timeout);
  try_until_done(retry_, &stop_, [this](RetryState&) { keeper_->open(source_tables_); });
}

std::vector<Chunk> CopyJob::plan_table(TableJob& job) {
  on_control([&] { read_table_facts(control_->source, options_, job, control_->deadline()); });
  if (job.action == TableAction::resume) {
    const auto totals = job.ledger->totals();
    auto& progress = progress_.tables[static_cast<std::size_t>(&job - jobs_.data())];
    progress.rows_before = totals.rows_done;
    progress.bytes_before = totals.bytes_done;
    progress.chunks_before = totals.chunks_done;
    return job.ledger->pending_chunks();
  }
  const bool fresh = job.action != TableAction::gain;
  const auto last = fresh ? std::nullopt : job.ledger->last_round();
  const auto plan = plan_round(job, options_, last);
  // A generation without a plan died before its first row: it needs no second emptying.
  const bool empty_generation = job.action == TableAction::first_copy && job.ledger->generation() > 0;
  if (fresh && !empty_generation) start_generation(job, plan);
  warn_of_pages(job, plan);
  const auto round = round_facts(job, plan, last);
  job.report.high_water = round.high_water;
  job.report.settled = round.settled;
  if (!round.settled && job.key) job.report.remarks.push_back(job.unsettled + "; the next run looks for them");
  return job.ledger->save_plan(round, plan.chunks, deadline_, statements_before_gain(job, options_, last));
}

// They mean something inside one snapshot only.
void CopyJob::warn_of_pages(const TableJob& job, const Plan& plan) {
  const bool pages =
      std::ranges::any_of(plan.chunks, [](const Chunk& chunk) { return chunk.range.kind == ChunkKind::ctid; });
  if (!pages || !options_.max_snapshot_age) return;
  const auto text = "it is cut by pages, which are valid inside one snapshot: the copy ends if it takes longer than "
                    "--max-snapshot-age";
  findings_.push_back({Finding::Severity::warning, job.name.display(), text, "give it a unique key, or a longer time"});
  log_warning("{}: {}", job.name.display(), text);
}

void CopyJob::start_generation(TableJob& job, const Plan& plan) {
  GenerationFacts facts;
  facts.source_oid = job.source.oid;
  facts.source_filenode = job.source.filenode;
  facts.source_timeline = control_->servers.source.timeline;
  facts.source_shape = job.source.fingerprint();
  facts.key_column = job.key_identity();
  facts.strategy = to_string(plan.chunks.empty() ? ChunkKind::whole : plan.chunks.front().range.kind);
  facts.created_target = !job.target;
  facts.merged = options_.on_conflict != OnConflict::error;
  // Whoever made the target in an earlier generation: its indexes are ours to finish.
  if (const auto before = job.ledger->generation_facts(); before && job.target) {
    facts.created_target = before->created_target;
  }
  std::vector<std::string> statements;
  if (!job.target) {
    bool exists = false;
    on_control([&] { exists = schema_exists(control_->target, job.name.schema, control_->deadline()); });
    if (!exists) {
      statements.push_back("CREATE SCHEMA " + pg::quote_identifier(job.name.schema));
      job.report.created.push_back("schema " + job.name.schema);
    }
    statements.push_back(catalog::create_table_sql(job.source, job.name, options_.columns));
    job.report.created.push_back("table " + job.name.display() +
                                 (job.source.is_tree() ? ", an ordinary one with the rows of all partitions or children" : ""));
  } else if (job.action == TableAction::new_generation || options_.full) {
    // A first copy finds the table empty, or merges into it.
    if (options_.on_conflict == OnConflict::error) statements.push_back("TRUNCATE " + job.name.sql());
  }
  job.ledger->start_generation(facts, statements, deadline_);
}

void CopyJob::prepare_workers(const std::vector<TableJob*>& jobs) {
  target_tables_.clear();
  for (auto* job : jobs) {
    // Read anew: it may have been created a moment ago.
    on_control([&] { job->target = catalog::read_table_shape(control_->target, job->name, control_->deadline()); });
    if (!job->target) {
      throw Error(ErrorKind::failed, "the target table was dropped in mid-copy")
          .on(Side::target)
          .about(job->name.display())
          .advise("run the same command with --full to copy it anew");
    }
    TargetTable table{job->name, job->columns, job->key_column(), {}, options_.on_conflict, job->binary};
    for (const auto& index : job->target->indexes) {
      if (index.primary) table.primary_key = index.columns;
    }
    target_tables_.push_back(std::move(table));
  }
}

void CopyJob::tick() {
  if (deadline_.expired()) stop_.request(StopReason::deadline);
  auto progress = values_of(progress_);
  if (progress_.phase == Phase::copying) {
    stages_.look(control_->source, control_->target);
    progress.limit = stages_.recent_limit();
  }
  observer_.tick(progress);
}

void CopyJob::finish_tables() {
  std::vector<TableJob*> jobs;
  for (auto& job : jobs_) {
    if (has_work(job)) jobs.push_back(&job);
  }
  progress_.phase = Phase::building_indexes;
  finisher_->finish(jobs, [this] { tick(); });
  progress_.phase = Phase::vacuuming;
  finisher_->vacuum(jobs, [this] { tick(); });
  for (auto& job : jobs_) {
    if (has_work(job) && !job.ledger->finish(job.steps, deadline_)) {
      throw Error(ErrorKind::failed, "the target lost commits that it had acknowledged (a crash or a failover)")
          .on(Side::target)
          .about(job.name.display())
          .safe("mark and rows of a chunk were lost together; the ledger knows which chunks are left")
          .advise("run the same command again: it does what is left");
    }
    job.report.state = has_work(job) ? "complete" : "unchanged";
  }
}

void CopyJob::note_stop(const Error& error) noexcept {
  const auto reason = error.headline();
  for (auto& job : jobs_) {
    if (job.ledger && job.report.state.empty()) job.ledger->note_stop(reason);
  }
}

}  // namespace pghaul
