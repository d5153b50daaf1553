// Mending a target into which a row came twice.
#pragma once

#include <cstdint>

#include "catalog/target_ddl.h"
#include "command/copy_options.h"
#include "command/sessions.h"
#include "command/table_job.h"

namespace pghaul {

// Finds the keys of target rows that are equal in the columns of `build`, reads these keys from the source in one new
// snapshot, and replaces the target's rows by them in one fenced transaction. The number of keys; 0: no clash was found.
// Errors: those of the servers; failed if there are too many to be an accident.
std::int64_t reread_clashing_rows(const Sessions& sessions, const PgCopyOptions& options, const LedgerNames& names,
                                  const TableJob& job, const catalog::IndexBuild& build, pg::Connection& target,
                                  Deadline deadline);

}  // namespace pghaul
