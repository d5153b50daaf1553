// A standby as source: what can be told there, and what only its primary knows.
#include <fmt/format.h>

#include "command/finding_list.h"
#include "command/preflight_checks.h"
#include "source/standby.h"

namespace pghaul {
namespace {

// The standby replays what this server writes, and nothing else. Empty: it does.
std::string why_not_its_primary(const catalog::ServerFacts& standby, const catalog::ServerFacts& primary) {
  if (primary.system_identifier != standby.system_identifier ||
      primary.database_oid != standby.database_oid) {
    return fmt::format(
        "--primary leads to another server or database than the source's: system identifier {}, not {}",
        primary.system_identifier, standby.system_identifier);
  }
  if (primary.in_recovery) return "--primary leads to a standby";
  if (primary.timeline == standby.timeline) return "";
  return fmt::format("--primary leads to a server on timeline {}, the standby is on {}", primary.timeline,
                     standby.timeline);
}

void check_primary(ControlSessions& control, std::vector<Finding>& findings) {
  const auto why = why_not_its_primary(control.servers.source, *control.servers.primary);
  if (why.empty()) return;
  FindingList(findings, "")
      .on(*control.primary)
      .error(why, "correct --primary; right after a failover, wait until the standby has followed it");
  control.primary.reset();
}

// Rows below the mark of a round that was settled are looked for by nobody, so all of it has to be read where
// they are.
void check_what_is_left(ControlSessions& control, const TableJob& job, std::vector<Finding>& all) {
  FindingList findings(all, job.name.display(), Side::source);
  const auto& round = *job.entry->last_round;
  if (round.settled) {
    findings.error(
        "the copy was begun where those who write can be seen, and is to be continued from a standby, which "
        "may lag "
        "behind",
        "name the standby's primary with --primary, or continue from the server that the copy was begun "
        "with");
  } else if (!round.late_since.empty() &&
             !knows_all_before(control.source, round.late_since, control.deadline())) {
    findings.error("this standby is behind the state of the source that the copy was begun with",
                   "wait until it has caught up, and run the same command again");
  }
}

}  // namespace

void check_standby(ControlSessions& control, const PgCopyOptions& options, std::vector<Finding>& all) {
  const auto& source = control.servers.source;
  FindingList findings(all, "");
  findings.on(control.source);
  if (!source.in_recovery) {
    if (options.primary.empty()) return;
    return findings.warning("the source is no standby: --primary is not asked", "leave --primary out");
  }
  if (control.primary)
    check_primary(control, all);
  else if (options.late_rows != LateRows::ignore) {
    findings.warning(
        "the source is a standby: late rows cannot be decided there, the next run looks for them",
        "name its primary with --primary, or copy from that, where late rows matter");
  }
  if (options.snapshot == SnapshotMode::shared && !standby_snapshots_work(source.version_num)) {
    findings.error("this version of PostgreSQL imports snapshots wrongly on a standby",
                   "use --snapshot chunk, the primary, or the newest minor version");
  }
}

void check_continued_on_standby(ControlSessions& control, const TableJob& job,
                                std::vector<Finding>& findings) {
  const bool needed = control.servers.source.in_recovery && !control.primary && job.key;
  if (needed && !job.entry->complete && job.entry->last_round) check_what_is_left(control, job, findings);
}

}  // namespace pghaul
