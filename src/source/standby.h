// Reading from a standby: what it knows of its primary, and when.
#pragma once

#include <string>

#include "pg/connection.h"

namespace pghaul {

// Whether snapshots that this version (server_version_num) exports on a standby are imported as they are.
// Before the minor versions of 12 November 2026 they gave wrong rows there, and could damage the standby by
// hint bits.
bool standby_snapshots_work(int version);

// Where the WAL ends by now: on a standby what was replayed, else all that was written, flushed or not.
// Whoever has replayed as much sees every transaction that had ended before. Errors, here and below: those of
// the connection.
std::string wal_position(pg::Connection& connection, bool in_recovery, Deadline deadline);

// True for a server that is no standby: it has all that it ever had.
bool has_replayed(pg::Connection& connection, const std::string& position, Deadline deadline);

// Whether all transactions before `xid` (32 bits, as an Observation has it) have ended as this server sees
// it.
bool knows_all_before(pg::Connection& connection, const std::string& xid, Deadline deadline);

}  // namespace pghaul
