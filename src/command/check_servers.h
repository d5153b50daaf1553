// What every job asks of the servers before it works with them.
#pragma once

#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "command/copy_options.h"
#include "command/report.h"
#include "pg/connection.h"

namespace pghaul {

// Each adds findings. Errors: those of the server.

// Its version, and what stands between it and us. `name` is what the server is to the job, as "source".
void check_server_and_line(pg::Connection& connection, std::string_view name,
                           const catalog::ServerFacts& facts, const Allowed& allowed, Deadline deadline,
                           std::vector<Finding>& findings);
// Of the source, whose role should be able to do no more than to read.
void check_role(const pg::Connection& source, const catalog::ServerFacts& facts,
                std::vector<Finding>& findings);
// What of the environment bears on all connections.
void check_environment(std::vector<Finding>& findings);

// Of one server, or of servers that have one history: a standby, or a copy of its files, bears its
// identifier.
bool is_same_database(const catalog::ServerFacts& source, const catalog::ServerFacts& target);
void refuse_same_database(const catalog::ServerFacts& facts, std::vector<Finding>& findings);
// Both sessions lead to one running server.
bool is_one_server(pg::Connection& source, pg::Connection& target, Deadline deadline);

}  // namespace pghaul
