#include "source/standby.h"

#include <array>

#include "source/settle.h"

namespace pghaul {

bool standby_snapshots_work(int version) {
  constexpr std::array fixed = {140'025, 150'020, 160'016, 170'012, 180'007};
  for (const int first : fixed) {
    if (version / 10'000 == first / 10'000) return version >= first;
  }
  return version > fixed.back();
}

// The insert position, and not the flushed one: a transaction with synchronous_commit = off ends before its
// record is flushed.
std::string wal_position(pg::Connection& connection, bool in_recovery, Deadline deadline) {
  const auto row = connection.run(in_recovery ? "SELECT pg_catalog.pg_last_wal_replay_lsn()"
                                              : "SELECT pg_catalog.pg_current_wal_insert_lsn()",
                                  deadline);
  return std::string(row.text(0, 0));
}

bool has_replayed(pg::Connection& connection, const std::string& position, Deadline deadline) {
  return connection
      .query(
          "SELECT NOT pg_catalog.pg_is_in_recovery() OR "
          "pg_catalog.pg_last_wal_replay_lsn() OPERATOR(pg_catalog.>=) $1::pg_catalog.pg_lsn",
          {position}, deadline)
      .boolean(0, 0);
}

// Compared by their ages, as xids go round.
bool knows_all_before(pg::Connection& connection, const std::string& xid, Deadline deadline) {
  return connection
      .query(
          "SELECT pg_catalog.age($1::pg_catalog.xid) OPERATOR(pg_catalog.<=) "
          "pg_catalog.age($2::pg_catalog.xid)",
          {oldest_running_xid(connection, deadline), xid}, deadline)
      .boolean(0, 0);
}

}  // namespace pghaul
