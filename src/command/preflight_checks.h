// The checks of preflight, one function an object.
#pragma once

#include <optional>
#include <vector>

#include "command/preflight.h"

namespace pghaul {

// Each adds findings. Errors: those of the servers.
void check_servers(ControlSessions& control, const PgCopyOptions& options, std::vector<Finding>& findings);
// Those of check_servers() that are about a standby as source, and its primary.
void check_standby(ControlSessions& control, const PgCopyOptions& options, std::vector<Finding>& findings);
// Whether what is left of a copy can be read there.
void check_continued_on_standby(ControlSessions& control, const TableJob& job, std::vector<Finding>& findings);
// False: there is nothing to go on with.
bool check_source(ControlSessions& control, const PgCopyOptions& options, const catalog::TableName& name,
                  const std::optional<catalog::TableShape>& shape, std::vector<Finding>& findings);
void check_where(ControlSessions& control, const PgCopyOptions& options, const TableJob& job,
                 std::vector<Finding>& findings);
void check_key(const PgCopyOptions& options, const TableJob& job, std::vector<Finding>& findings);
void check_target(ControlSessions& control, const PgCopyOptions& options, const TableJob& job,
                  std::vector<Finding>& findings);
void check_creatable(ControlSessions& control, const TableJob& job, std::vector<Finding>& findings);
// The ledger's word on this table copy against what the source and target look like now.
void check_ledger(ControlSessions& control, const PgCopyOptions& options, TableJob& job,
                  std::vector<Finding>& findings);

}  // namespace pghaul
