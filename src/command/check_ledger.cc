// Does what the ledger says still hold?
#include <fmt/format.h>

#include "base/sqlstate.h"
#include "command/preflight_checks.h"
#include "command/server_check.h"
#include "command/table_facts.h"

namespace pghaul {
namespace {

void add(std::vector<Finding>& findings, const TableJob& job, Finding::Severity severity, std::string text,
         std::string advice, Side side = Side::target) {
  findings.push_back({severity, job.name.display(), std::move(text), std::move(advice), side, ""});
}

// Nothing if this role may not look; that has a finding of its own.
std::optional<bool> target_has_rows(ControlSessions& control, const TableJob& job) {
  if (!job.target) return false;
  try {
    return catalog::has_rows(control.target, job.name, control.deadline());
  } catch (const Error& error) {
    if (error.sqlstate() != sqlstate::insufficient_privilege) throw;
    return std::nullopt;
  }
}

// Bounds in the ledger, and its high-water mark, are of the key that the generation began with, whatever better one
// there is by now. A copy that is complete and needs none may have lost it.
void keep_key(TableJob& job, std::vector<Finding>& findings) {
  const auto& facts = job.entry->facts;
  if (facts.key_column.empty() || facts.key_column == job.key_identity()) return;
  for (const auto& key : job.source.ordered_keys) {
    if (key.identity() != facts.key_column) continue;
    job.key.reset();
    job.ordered_key = key;
    return;
  }
  const bool integer = job.source.column(facts.key_column) != nullptr;
  const bool needed = integer ? job.key || !job.entry->complete : facts.strategy == "key" && !job.entry->complete;
  if (needed) {
    add(findings, job, Finding::Severity::error,
        fmt::format("the key that the copy is cut by is gone, or is ordered in another way now: {}", facts.key_column),
        "--full copies it anew; or bring its unique index back", Side::source);
  }
  if (!integer && facts.strategy == "key") job.key.reset();
}

void check_first_copy(ControlSessions& control, const PgCopyOptions& options, const TableJob& job,
                      std::vector<Finding>& findings) {
  if (options.full || options.on_conflict != OnConflict::error || !target_has_rows(control, job).value_or(false)) return;
  add(findings, job, Finding::Severity::error, "the target table is not empty, and the ledger knows no copy into it",
      "--full empties it first; --on-conflict skip or update merges into it");
}

// Pages are read anew from the beginning in any case, and a small table as a whole: what has left is gone then.
bool hangs_on_members(const TableJob& job) {
  const auto& strategy = job.entry->facts.strategy;
  return strategy == "key" || (strategy == "ctid" && (job.entry->complete || job.entry->totals.chunks_pending == 0));
}

void check_left_members(const PgCopyOptions& options, const TableJob& job, std::vector<Finding>& findings) {
  for (const auto& known : job.entry->members) {
    const auto* member = job.source.member(known.oid);
    if (member == nullptr) {
      add(findings, job, Finding::Severity::error,
          fmt::format("{} was dropped, detached, or is a partitioned table now; the copy has read rows of it, or was about to",
                      known.name),
          "--full copies the table as it is now", Side::source);
    } else if (member->filenode != known.filenode) {
      add(findings, job, options.allowed.rewritten ? Finding::Severity::warning : Finding::Severity::error,
          fmt::format("{} was truncated or rewritten since the copy began", known.name),
          "--full copies it anew; if it was only VACUUM FULL or CLUSTER: --allow rewritten continues", Side::source);
    }
  }
}

void check_joined_members(const TableJob& job, std::vector<Finding>& findings) {
  // The copy's own chunks are of a table whose rows were its own.
  if (job.entry->members.empty() && job.source.kind != 'p' && job.source.is_tree()) {
    return add(findings, job, Finding::Severity::error, "other tables have come to inherit from it since the copy began",
               "--full copies it with them; --only copies the table alone, as another copy", Side::source);
  }
  if (job.key) return;
  for (const auto& member : job.source.members) {
    if (is_known_member(job, member.oid)) continue;
    add(findings, job, Finding::Severity::error,
        fmt::format("{} has joined the table since the copy began, and without a single integer key its rows cannot be told "
                    "from those that are on the target",
                    member.name.display()),
        "--full copies it anew", Side::source);
  }
}

// Each of its own finding: a person has to see which.
void check_members(const PgCopyOptions& options, const TableJob& job, std::vector<Finding>& findings) {
  if (!hangs_on_members(job)) return;
  check_left_members(options, job, findings);
  check_joined_members(job, findings);
}

void check_continued(ControlSessions& control, const PgCopyOptions& options, TableJob& job,
                     std::vector<Finding>& findings) {
  using Severity = Finding::Severity;
  const auto& facts = job.entry->facts;
  if (!job.target) {
    add(findings, job, Severity::error, "the target table is gone, but the ledger says that rows are in it",
        "--full creates and copies it anew");
  } else if (job.entry->totals.rows_done > 0 && !target_has_rows(control, job).value_or(true)) {
    add(findings, job, Severity::error,
        fmt::format("the target table is empty, but the ledger says that {} rows are in it",
                    job.entry->totals.rows_done),
        "--full copies it anew");
  }
  if (options.require_one_snapshot && !job.entry->complete && job.entry->totals.chunks_done > 0) {
    add(findings, job, Severity::error, "what is left would be read in another snapshot than what is done",
        "--full copies it anew in one; without --require-one-snapshot the copy continues");
  }
  if (facts.merged != (options.on_conflict != OnConflict::error)) {
    add(findings, job, Severity::error,
        facts.merged ? "the copy began with --on-conflict; without it, rows of others in the target could be deleted"
                     : "the copy began without --on-conflict",
        facts.merged ? "say --on-conflict skip or update again" : "leave --on-conflict out, or use --full");
  }
  if (const auto timeline = control.servers.source.timeline; facts.source_timeline != timeline) {
    add(findings, job, options.allowed.failover ? Severity::warning : Severity::error,
        failover_text(facts.source_timeline, timeline), failover_advice, Side::source);
  }
  if (facts.source_oid != job.source.oid) {
    add(findings, job, Severity::error, "the source table was dropped and created anew since the copy began",
        "--full copies it anew", Side::source);
  } else if (facts.source_shape != job.source.fingerprint()) {
    add(findings, job, Severity::error, "the columns of the source table were altered since the copy began",
        "--full copies it anew", Side::source);
  } else if (facts.source_filenode != job.source.filenode) {
    add(findings, job, options.allowed.rewritten ? Severity::warning : Severity::error,
        "the source table was truncated or rewritten since the copy began",
        "--full copies it anew; if it was only VACUUM FULL or CLUSTER: --allow rewritten continues", Side::source);
  }
  if (facts.source_oid == job.source.oid) check_members(options, job, findings);
  // Of a table that is another one now, the key would tell nothing new.
  if (facts.source_oid == job.source.oid && facts.source_shape == job.source.fingerprint()) keep_key(job, findings);
  check_continued_on_standby(control, job, findings);
}

}  // namespace

void check_ledger(ControlSessions& control, const PgCopyOptions& options, TableJob& job,
                  std::vector<Finding>& findings) {
  if (job.source.oid == 0) return;  // found missing before
  if (control.ledger_exists) {
    job.entry = find_table_copy(control.target, control.ledger_names, identity_of(job, options, control.servers),
                                control.deadline());
  }
  const bool begun = job.entry && job.entry->generation > 0;
  if (!begun) return check_first_copy(control, options, job, findings);
  if (!options.full) check_continued(control, options, job, findings);
}

}  // namespace pghaul
