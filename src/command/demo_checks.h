// What the demonstration needs before it begins.
#pragma once

#include <cstdint>
#include <string>

namespace pghaul::demonstration {

// Errors: usage, for too few rows to be killed in the middle.
void check_rows(std::int64_t rows);
// Errors: refused, if the temporary folder cannot hold both servers.
void check_space(std::int64_t rows);
// Folder of the installed PostgreSQL's programs. Errors: refused, saying what to install.
std::string required_bindir();
// Drops PGHOSTADDR, PGSSLMODE, PGHAUL_LEDGER_SCHEMA and the like: they are meant for other servers, and every child
// would inherit them. Threads: call it while no other thread reads the environment.
void forget_environment();

}  // namespace pghaul::demonstration
