// Everything that can be known before the first write.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "catalog/catalog.h"
#include "command/copy_options.h"
#include "command/report.h"
#include "command/sessions.h"
#include "command/table_job.h"
#include "pg/statement_deadline.h"

namespace pghaul {

struct Servers {
  catalog::ServerFacts source, target;
  std::optional<catalog::ServerFacts> primary;  // of a standby as source, if it is asked
};

// Control sessions of a job and what was found out over them.
struct ControlSessions {
  ControlSessions(Sessions& sessions, const PgCopyOptions& options);
  // Opens again what was lost while nobody looked. Errors: as of a lost server that stays away.
  void revive(const Sessions& sessions, const RetryPolicy& policy, const StopSource& stop);
  // Runs `work` on these sessions, and again on new ones after a loss: it must be such that a second run does no harm.
  // True if it took more than one. Errors: as of revive(), and those of `work`.
  bool use(const Sessions& sessions, const RetryPolicy& policy, const StopSource& stop,
           const std::function<void()>& work);

  // Where the locks of those who write show: the source or, of a standby, its primary.
  pg::Connection& writers_server() { return primary ? *primary : source; }
  // False on a standby whose primary is not asked: its locks are not those of the primary.
  bool shows_writers() const { return primary || !servers.source.in_recovery; }

  pg::Connection source, target;
  std::optional<pg::Connection> primary;
  Servers servers;
  LedgerNames ledger_names;
  bool encodings_fit = false;  // the target's server can convert text from the source's encoding
  bool ledger_exists = false;
  Duration statement_timeout;
  Deadline deadline() const { return pg::statement_deadline(statement_timeout); }
};

TableCopyIdentity identity_of(const TableJob& job, const PgCopyOptions& options, const Servers& servers);

// Reads the shapes of all tables on both sides and what the ledger says of them, and decides which columns travel and
// how. Findings of severity error are reasons to refuse. Writes nothing. Errors: those of the servers.
std::vector<TableJob> inspect_tables(ControlSessions& control, const PgCopyOptions& options,
                                     std::vector<Finding>& findings);

// Runs `work`, which writes nothing: whatever fails in it is a reason to refuse. Again from its beginning where a
// standby's recovery ended it. Errors: refused, stopped, usage.
void before_any_write(const std::function<void()>& work);

// Without errors, which are told by the refusal.
std::vector<Finding> warnings_of(std::vector<Finding> findings);
// Error(refused) made of the findings of severity error; nothing if there is none.
void refuse_if_any(const std::vector<Finding>& findings);

}  // namespace pghaul
